use super::{CallPattern, Callee, Form, ParamKind, ParamPattern, Root, Selector, TypePattern, path_fits, wildcard};

fn call(text: &str) -> CallPattern {
    CallPattern::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn method(receiver: &str, member: Option<&str>, methods: &[&str]) -> Callee {
    Callee::Method {
        receiver: receiver.into(),
        member: member.map(Into::into),
        methods: methods.iter().map(|name| (*name).into()).collect(),
    }
}

fn param(name: &str) -> ParamPattern {
    ParamPattern { name: name.into(), optional: false, rest: false, kind: ParamKind::Any }
}

#[test]
fn methods() {
    let found = call("Client.<E>.{findUnique, findFirst}(a?)");
    assert_eq!(found.callee, method("Client", Some("E"), &["findUnique", "findFirst"]));
    assert_eq!(found.params, [ParamPattern { optional: true, ..param("a") }]);
    assert_eq!(found.form, Form::Plain);
    assert_eq!(found.names().collect::<Vec<_>>(), ["findUnique", "findFirst"]);
    assert_eq!(call("_.lock()").callee, method("_", None, &["lock"]));
}

#[test]
fn parameters() {
    let found = call("Client.f(_, f: fn, list?: [], *rest)");
    let function = ParamPattern { kind: ParamKind::Function, ..param("f") };
    let list = ParamPattern { optional: true, kind: ParamKind::List, ..param("list") };
    let rest = ParamPattern { rest: true, ..param("rest") };
    assert_eq!(found.params, [param("_"), function, list, rest]);
    let counts: Vec<_> = (0..5).filter(|count| found.takes(*count)).collect();
    assert_eq!(counts, [2, 3, 4]);
    assert!(!call("f(a, b?)").takes(3));
}

#[test]
fn templates() {
    assert_eq!(call("Client.$queryRaw`sql`").form, Form::Tag);
    assert_eq!(call("Client.$queryRaw(`sql`)").form, Form::Any);
    assert_eq!(call("sql`text`").callee, Callee::Path(vec!["sql".into()]));
}

#[test]
fn paths() {
    let found = call("sqlx::{query,query_scalar}(sql)");
    assert_eq!(found.callee, Callee::Path(vec!["sqlx::query".into(), "sqlx::query_scalar".into()]));
    assert_eq!(found.names().collect::<Vec<_>>(), ["query", "query_scalar"]);
    assert_eq!(call("{a,b}::c(x)").callee, Callee::Path(vec!["a::c".into(), "b::c".into()]));
}

#[test]
fn types() {
    let parse = |text: &str| TypePattern::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(parse("new PrismaClient(o?)"), [TypePattern::New("PrismaClient".into())]);
    assert_eq!(parse("new PrismaClient"), parse("new PrismaClient()"));
    assert_eq!(parse(": Prisma.TransactionClient"), [TypePattern::Declared("Prisma.TransactionClient".into())]);
    assert_eq!(parse("extends PrismaClient"), [TypePattern::Extends("PrismaClient".into())]);
    assert_eq!(parse("named {tx, *Tx}"), [TypePattern::Named("tx".into()), TypePattern::Named("*Tx".into())]);
    let imported = |name: &str| TypePattern::Imported { module: "@acme/*".into(), name: name.into() };
    assert_eq!(parse("import { a, b } from \"@acme/*\""), [imported("a"), imported("b")]);
    assert_eq!(parse("import a from '@acme/*'"), [imported("default")]);
    assert_eq!(parse("import * from '@acme/*'"), [imported("*")]);
}

#[test]
fn types_compare_by_their_last_segments() {
    let short = TypePattern::Declared("TransactionClient".into());
    assert!(short.accepts("TransactionClient") && short.accepts("Prisma.TransactionClient"));
    let long = TypePattern::Declared("Prisma.Tx*".into());
    assert!(long.accepts("Prisma.TxClient") && !long.accepts("TxClient") && !long.accepts("Other.TxClient"));
    assert!(TypePattern::Declared("sqlx::Pool".into()).accepts("crate::sqlx::Pool"));
    assert!(path_fits("sqlx::query", "sqlx::query") && path_fits("sqlx::Pool", "sqlx::postgres::Pool"));
    assert!(!path_fits("sqlx::query", "query") && !path_fits("sqlx::query", "other::query"));
    assert!(path_fits("*::Entity", "entity::cake::Entity") && !path_fits("*::Entity", "Entity"));
    let import = TypePattern::Imported { module: "@acme/*".into(), name: "db".into() };
    assert!(
        import.accepts_import("@acme/db", "db") && !import.accepts_import("@acme/db", "x") && !import.accepts("db")
    );
}

#[test]
fn wildcards() {
    assert!(wildcard("*", "") && wildcard("a*c", "abc") && wildcard("*b*", "abc") && wildcard("é*", "éa"));
    assert!(!wildcard("a*c", "abd") && !wildcard("ab", "abc") && wildcard("*é", "aéé"));
}

#[test]
fn selectors() {
    let params = call("Client.f(a, *rest)").params;
    let parse = |text: &str| Selector::parse(text, &params).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(parse("a.data.x"), Selector { root: Root::Param(0), path: vec!["data".into(), "x".into()] });
    assert_eq!(parse("rest").root, Root::Param(1));
    assert_eq!(parse("result.count").root, Root::Result);
    assert_eq!(parse("self").root, Root::Receiver);
    let error = Selector::parse("b.x", &params).expect_err("no such parameter");
    assert_eq!((error.at, error.message.contains("`b`")), (0, true));
    assert_eq!(Selector::parse("a.", &params).expect_err("no member").at, 2);
    assert_eq!(Selector::parse("a, b", &params).expect_err("one selector").at, 1);
}

#[test]
fn a_pattern_covers_what_it_always_fits() {
    let covers = |first: &str, second: &str| call(first).covers(&call(second));
    assert!(covers("A.f(a)", "A.f(b)") && covers("A.f(*a)", "A.f(a, b: fn)") && covers("A.{f,g}(a?)", "A.g()"));
    assert!(!covers("A.f(a)", "A.f(a?)") && !covers("A.f(a: fn)", "A.f(a)") && !covers("A.f(a: fn)", "A.f(a: [])"));
    assert!(!covers("A.f(a)", "B.f(a)") && covers("_.f(a)", "B.f(a)") && !covers("A.f(a)", "A.<E>.f(a)"));
    assert!(covers("A.f(`a`)", "A.f`a`") && !covers("A.f`a`", "A.f(`a`)") && !covers("A.f(a)", "f(a)"));
}

#[test]
fn errors_say_where() {
    let wrong = |text: &str| {
        let error = CallPattern::parse(text).expect_err(text);
        (error.at, error.message)
    };
    let cases = [
        ("", 0, "expected a name"),
        ("Client", 6, "expected `(`"),
        ("Client.", 7, "expected a name"),
        ("Client.<E.f(a)", 9, "expected `>`"),
        ("Client.a.b(c)", 8, "only a capture such as `<E>` may stand between receiver and method"),
        ("{A,B}.f(a)", 0, "only one receiver may stand here; list further patterns instead"),
        ("Client.{f g}(a)", 10, "expected `,` or `}`"),
        ("Client.f(a b)", 11, "expected `,` or `)`"),
        ("Client.f(a, a)", 12, "`a` is a parameter already"),
        ("Client.f(*a, b)", 13, "nothing may follow a parameter that takes the rest"),
        ("Client.f(a?, b)", 13, "a needed parameter may not follow an optional one"),
        ("Client.f(*a?)", 11, "a parameter that takes the rest may be empty anyway"),
        ("Client.f(a: func)", 12, "expected `fn`, `text` or `[]`"),
        ("Client.f(result)", 9, "`result` has a meaning in selectors and can't name a parameter"),
        ("Client.f(a) b", 12, "expected the end of the pattern"),
        ("Client.f`a", 10, "expected `` ` ``"),
        ("_(a)", 0, "`_` stands for a receiver only"),
    ];
    for (text, at, message) in cases {
        assert_eq!(wrong(text), (at, message.to_owned()), "{text}");
    }
    let wrong = |text: &str| TypePattern::parse(text).expect_err(text).at;
    assert_eq!(wrong("PrismaClient"), 0);
    assert_eq!(wrong("new PrismaClient("), 17);
    assert_eq!(wrong("named"), 5);
    assert_eq!(wrong("import { a } \"m\""), 13);
    assert_eq!(wrong("import { a } from \"m"), 20);
}
