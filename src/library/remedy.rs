//! Code templates: finding and filling their holes.

/// A hole of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hole<'a> {
    /// Where its name starts.
    pub at: usize,
    /// Its name.
    pub name: &'a str,
    /// Whether it takes the entries of an object instead of the object: `{...key}`.
    pub entries: bool,
}

/// The holes of a template, in order.
///
/// A hole is a lower-case name in braces without blanks (`{key}`, `{...key}`), so `{ where }` and `${name}` are code.
pub(super) fn holes(code: &str) -> impl Iterator<Item = Hole<'_>> {
    let named = |c: char| c.is_ascii_lowercase() || c == '_';
    code.match_indices('{').filter_map(move |(at, _)| {
        let rest = &code[at + 1..];
        let inner = rest.strip_prefix("...").unwrap_or(rest);
        let name = &inner[..inner.find(|c| !named(c)).unwrap_or(inner.len())];
        let hole = Hole { at: code.len() - inner.len(), name, entries: inner.len() < rest.len() };
        let closed = inner[name.len()..].starts_with('}');
        (!name.is_empty() && closed && !code[..at].ends_with('$')).then_some(hole)
    })
}

/// The template with its holes filled; `None` where `value` has nothing for one of them.
pub(super) fn fill<'a>(code: &str, value: impl Fn(&str) -> Option<&'a str>) -> Option<String> {
    let mut filled = String::new();
    let mut done = 0;
    for Hole { at, name, entries } in holes(code) {
        let value = value(name)?;
        filled.push_str(&code[done..at - if entries { "{...".len() } else { "{".len() }]);
        let value = if entries { entries_of(value) } else { value.to_owned() };
        // Where nothing is to be listed, the comma before it goes, too.
        if value.is_empty() && filled.ends_with(", ") {
            filled.truncate(filled.len() - ", ".len());
        }
        // Lines of a value keep the indentation of the line it stands on.
        let line = filled.rsplit('\n').next().unwrap_or("");
        let indent: String = line.chars().take_while(|c| *c == ' ').collect();
        filled.push_str(&value.replace('\n', &format!("\n{indent}")));
        done = at + name.len() + "}".len();
        // Nor does one stand in front of what is listed next.
        if value.is_empty() && filled.ends_with("{ ") && code[done..].starts_with(", ") {
            done += ", ".len();
        }
    }
    filled.push_str(&code[done..]);
    Some(filled)
}

/// What stands between the braces of an object literal; another value is spread.
fn entries_of(value: &str) -> String {
    let inner = value.trim().strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    match inner {
        Some(inner) => inner.trim().trim_end_matches(',').trim_end().to_owned(),
        None => format!("...{value}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Hole, fill, holes};

    #[test]
    fn code_in_braces_is_no_hole() {
        let code = "await {client}.x.find({ where: { {...key} } }); `${id}` {Key} {}";
        let client = Hole { at: 7, name: "client", entries: false };
        let key = Hole { at: 37, name: "key", entries: true };
        assert_eq!(holes(code).collect::<Vec<_>>(), [client, key]);
    }

    #[test]
    fn every_hole_needs_a_value() {
        let value = |name: &str| (name == "key").then_some("{ id }");
        assert_eq!(fill("find({ where: {key} })", value).as_deref(), Some("find({ where: { id } })"));
        assert_eq!(fill("{client}.find()", value), None);
    }

    #[test]
    fn an_empty_value_takes_its_comma_along() {
        let value = |name: &str| Some(if name == "key" { "{ id }" } else { "" });
        assert_eq!(fill("{ {...key}, {guard} }", value).as_deref(), Some("{ id }"));
        let value = |name: &str| Some(if name == "key" { "{}" } else { "open: true" });
        assert_eq!(fill("{ {...key}, {guard} }", value).as_deref(), Some("{ open: true }"));
    }

    #[test]
    fn lines_of_a_value_are_indented_as_the_first() {
        assert_eq!(fill("  {exit}", |_| Some("{\n  a\n}")).as_deref(), Some("  {\n    a\n  }"));
    }

    #[test]
    fn entries_of_an_object_join_those_around_them() {
        let filled = |key: &'static str| fill("{ {...key}, n: 0 }", |_| Some(key)).expect("it has a value");
        assert_eq!(filled("{ id, }"), "{ id, n: 0 }");
        assert_eq!(filled("where"), "{ ...where, n: 0 }");
    }
}
