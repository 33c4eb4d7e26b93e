//! Names and conditions in the SQL of an engine, as they stand inside of a template literal.

/// Words that MySQL and MariaDB reserve and that tables or columns like to be called.
const RESERVED: &[&str] = &[
    "add",
    "all",
    "alter",
    "analyze",
    "and",
    "as",
    "asc",
    "before",
    "between",
    "both",
    "by",
    "call",
    "case",
    "change",
    "character",
    "check",
    "column",
    "condition",
    "constraint",
    "convert",
    "create",
    "cross",
    "cube",
    "current_user",
    "cursor",
    "database",
    "databases",
    "default",
    "delete",
    "desc",
    "describe",
    "distinct",
    "div",
    "drop",
    "each",
    "else",
    "empty",
    "exists",
    "exit",
    "explain",
    "false",
    "fetch",
    "float",
    "for",
    "force",
    "foreign",
    "from",
    "fulltext",
    "function",
    "generated",
    "get",
    "grant",
    "group",
    "grouping",
    "groups",
    "having",
    "if",
    "ignore",
    "in",
    "index",
    "inner",
    "insert",
    "int",
    "integer",
    "interval",
    "into",
    "is",
    "join",
    "key",
    "keys",
    "kill",
    "lag",
    "lateral",
    "lead",
    "leave",
    "left",
    "like",
    "limit",
    "linear",
    "lines",
    "load",
    "lock",
    "long",
    "loop",
    "master_bind",
    "match",
    "mod",
    "natural",
    "not",
    "null",
    "of",
    "on",
    "offset",
    "option",
    "or",
    "order",
    "out",
    "outer",
    "over",
    "partition",
    "percent_rank",
    "precision",
    "primary",
    "procedure",
    "purge",
    "range",
    "rank",
    "read",
    "reads",
    "real",
    "recursive",
    "references",
    "release",
    "rename",
    "repeat",
    "replace",
    "require",
    "restrict",
    "return",
    "returning",
    "right",
    "row",
    "rows",
    "row_number",
    "schema",
    "select",
    "sensitive",
    "separator",
    "set",
    "show",
    "signal",
    "spatial",
    "specific",
    "sql",
    "starting",
    "stored",
    "system",
    "table",
    "terminated",
    "then",
    "to",
    "trigger",
    "true",
    "undo",
    "union",
    "unique",
    "unlock",
    "unsigned",
    "update",
    "usage",
    "use",
    "using",
    "values",
    "varying",
    "virtual",
    "when",
    "where",
    "while",
    "window",
    "with",
    "write",
    "xor",
    "zerofill",
];

/// A name, quoted as the engine wants it; `None` for one that cannot be written simply.
pub(super) fn name(engine: &str, name: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || !name.chars().all(plain) {
        return None;
    }
    match engine {
        "mysql" | "mariadb" => {
            let lower = name.to_ascii_lowercase();
            let bare = !RESERVED.contains(&lower.as_str()) && !name.starts_with(|c: char| c.is_ascii_digit());
            // Backticks end a template literal, so they need a stroke before them.
            Some(if bare { name.to_owned() } else { format!("\\`{name}\\`") })
        }
        _ => Some(format!("\"{name}\"")),
    }
}

/// A text literal; `None` where it would need escapes.
pub(super) fn literal(text: &str) -> Option<String> {
    let bad = |c: char| matches!(c, '\'' | '\\' | '`' | '$') || c.is_control();
    (!text.contains(bad)).then(|| format!("'{text}'"))
}

#[cfg(test)]
mod tests {
    use super::{literal, name};

    #[test]
    fn names_are_quoted_where_they_must_be() {
        assert_eq!(name("postgresql", "userId").as_deref(), Some("\"userId\""));
        assert_eq!(name("mysql", "Order").as_deref(), Some("\\`Order\\`"));
        assert_eq!(name("mysql", "Voucher").as_deref(), Some("Voucher"));
        assert_eq!(name("mysql", "a b"), None);
        assert_eq!(literal("it's"), None);
    }
}
