//! The module names that a text writes, found without parsing it.

/// The module names that a text quotes behind `from`, in `require(…)` or in `import(…)`, without parsing it.
pub(in crate::link) fn modules(text: &str) -> impl Iterator<Item = &str> {
    let behind = |word: &'static str| text.match_indices(word).map(move |(at, word)| &text[at + word.len()..]);
    let pieces = behind("from ").chain(behind("require(")).chain(behind("import("));
    pieces.filter_map(|rest| {
        let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let inner = &rest[1..];
        Some(&inner[..inner.find(quote)?])
    })
}
