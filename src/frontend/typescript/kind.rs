//! The kinds of node and the fields that lowering knows.

macro_rules! kinds {
    ($(#[$doc:meta])* $name:ident $fallback:ident { $($variant:ident $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum $name { $($variant,)* $fallback }

        impl $name {
            /// The variant for a name of the grammar.
            pub(super) fn named(name: &str) -> Self {
                match name {
                    $($text => Self::$variant,)*
                    _ => Self::$fallback,
                }
            }
        }
    };
}

kinds! {
    /// The kinds of node that lowering tells apart.
    Kind Other {
        AbstractClassDeclaration "abstract_class_declaration",
        AccessibilityModifier "accessibility_modifier",
        AmbientDeclaration "ambient_declaration",
        Arguments "arguments",
        Array "array",
        ArrayPattern "array_pattern",
        ArrowFunction "arrow_function",
        AsExpression "as_expression",
        AssertsAnnotation "asserts_annotation",
        AssignmentExpression "assignment_expression",
        AssignmentPattern "assignment_pattern",
        AugmentedAssignment "augmented_assignment_expression",
        Await "await_expression",
        Binary "binary_expression",
        Break "break_statement",
        Call "call_expression",
        CatchClause "catch_clause",
        Class "class",
        ClassBody "class_body",
        ClassDeclaration "class_declaration",
        ClassHeritage "class_heritage",
        ClassStaticBlock "class_static_block",
        Comment "comment",
        ComputedName "computed_property_name",
        Continue "continue_statement",
        Decorator "decorator",
        Do "do_statement",
        ElseClause "else_clause",
        Empty "empty_statement",
        EnumAssignment "enum_assignment",
        EnumBody "enum_body",
        EnumDeclaration "enum_declaration",
        Error "ERROR",
        ExportClause "export_clause",
        ExportSpecifier "export_specifier",
        ExportStatement "export_statement",
        ExpressionStatement "expression_statement",
        ExtendsClause "extends_clause",
        False "false",
        FieldDefinition "public_field_definition",
        FinallyClause "finally_clause",
        For "for_statement",
        ForIn "for_in_statement",
        FormalParameters "formal_parameters",
        FunctionDeclaration "function_declaration",
        FunctionExpression "function_expression",
        FunctionSignature "function_signature",
        GeneratorDeclaration "generator_function_declaration",
        GeneratorFunction "generator_function",
        HashBang "hash_bang_line",
        Identifier "identifier",
        If "if_statement",
        ImplementsClause "implements_clause",
        Import "import",
        ImportAlias "import_alias",
        ImportClause "import_clause",
        ImportRequireClause "import_require_clause",
        ImportSpecifier "import_specifier",
        ImportStatement "import_statement",
        Instantiation "instantiation_expression",
        InterfaceDeclaration "interface_declaration",
        InternalModule "internal_module",
        JsxAttribute "jsx_attribute",
        JsxClosing "jsx_closing_element",
        JsxElement "jsx_element",
        JsxExpression "jsx_expression",
        JsxOpening "jsx_opening_element",
        JsxSelfClosing "jsx_self_closing_element",
        Labeled "labeled_statement",
        LexicalDeclaration "lexical_declaration",
        Member "member_expression",
        MetaProperty "meta_property",
        MethodDefinition "method_definition",
        Module "module",
        NamedImports "named_imports",
        NamespaceExport "namespace_export",
        NamespaceImport "namespace_import",
        NestedIdentifier "nested_identifier",
        New "new_expression",
        NonNull "non_null_expression",
        Null "null",
        Number "number",
        Object "object",
        ObjectAssignmentPattern "object_assignment_pattern",
        ObjectPattern "object_pattern",
        OptionalChain "optional_chain",
        OptionalParameter "optional_parameter",
        OverrideModifier "override_modifier",
        Pair "pair",
        PairPattern "pair_pattern",
        Parenthesized "parenthesized_expression",
        PrivateName "private_property_identifier",
        Program "program",
        PropertyName "property_identifier",
        Regex "regex",
        RequiredParameter "required_parameter",
        RestPattern "rest_pattern",
        Return "return_statement",
        Satisfies "satisfies_expression",
        Sequence "sequence_expression",
        Shorthand "shorthand_property_identifier",
        ShorthandPattern "shorthand_property_identifier_pattern",
        Spread "spread_element",
        StatementBlock "statement_block",
        String "string",
        Subscript "subscript_expression",
        Super "super",
        Switch "switch_statement",
        SwitchBody "switch_body",
        SwitchCase "switch_case",
        SwitchDefault "switch_default",
        Template "template_string",
        TemplateSubstitution "template_substitution",
        Ternary "ternary_expression",
        This "this",
        Throw "throw_statement",
        True "true",
        Try "try_statement",
        TypeAlias "type_alias_declaration",
        TypeAnnotation "type_annotation",
        TypeArguments "type_arguments",
        TypeAssertion "type_assertion",
        TypeIdentifier "type_identifier",
        TypeParameters "type_parameters",
        TypePredicate "type_predicate_annotation",
        Unary "unary_expression",
        Undefined "undefined",
        Update "update_expression",
        VariableDeclaration "variable_declaration",
        VariableDeclarator "variable_declarator",
        While "while_statement",
        With "with_statement",
        Yield "yield_expression",
        // The next two stand for all anonymous nodes: those that mean something, and punctuation.
        Token "(token)",
        Punctuation "(punctuation)",
    }
}

kinds! {
    /// The fields by which lowering asks for a child.
    Field Other {
        Alias "alias",
        Alternative "alternative",
        Argument "argument",
        Arguments "arguments",
        Attribute "attribute",
        Body "body",
        Condition "condition",
        Consequence "consequence",
        Constructor "constructor",
        Declaration "declaration",
        Decorator "decorator",
        Finalizer "finalizer",
        Function "function",
        Handler "handler",
        Increment "increment",
        Index "index",
        Initializer "initializer",
        Key "key",
        Kind "kind",
        Label "label",
        Left "left",
        Name "name",
        Object "object",
        OpenTag "open_tag",
        Operator "operator",
        Parameter "parameter",
        Parameters "parameters",
        Pattern "pattern",
        Property "property",
        ReturnType "return_type",
        Right "right",
        Source "source",
        Type "type",
        Value "value",
        None "(none)",
    }
}

/// Whether nodes of a kind are function literals or declarations.
pub(super) fn is_function(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::ArrowFunction
            | Kind::FunctionExpression
            | Kind::FunctionDeclaration
            | Kind::GeneratorFunction
            | Kind::GeneratorDeclaration
            | Kind::MethodDefinition
    )
}

/// Whether nodes of a kind call or change something by themselves.
pub(super) fn is_effect(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Call
            | Kind::New
            | Kind::AssignmentExpression
            | Kind::AugmentedAssignment
            | Kind::Update
            | Kind::Yield
            | Kind::Class
    )
}

/// Whether only the text of a node is of interest, if at all: types, and literals that are decoded from their text.
pub(super) fn is_opaque(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::TypeAnnotation
            | Kind::TypeArguments
            | Kind::TypeParameters
            | Kind::TypePredicate
            | Kind::AssertsAnnotation
            | Kind::InterfaceDeclaration
            | Kind::TypeAlias
            | Kind::FunctionSignature
            | Kind::String
            | Kind::Regex
    )
}
