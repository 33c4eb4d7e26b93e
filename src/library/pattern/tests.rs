use super::{CallPattern, Callee, Form, ParamKind, ParamPattern, Root, Selector, TypePattern, wildcard};

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
