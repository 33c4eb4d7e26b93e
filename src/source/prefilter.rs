//! One pass over a file's bytes that tells whether it is worth parsing.

use aho_corasick::{AhoCorasick, MatchKind};

/// An automaton over the words that make a file interesting: call names of the known libraries, words of SQL.
#[derive(Debug)]
pub struct Prefilter {
    /// `None` where the automaton could not be built: every file is interesting then.
    automaton: Option<AhoCorasick>,
}

impl Prefilter {
    /// Builds the automaton. The needles are case sensitive.
    #[must_use]
    pub fn new(needles: &[&str]) -> Self {
        Self { automaton: AhoCorasick::builder().match_kind(MatchKind::Standard).build(needles).ok() }
    }

    /// Whether a needle occurs.
    #[must_use]
    pub fn hits(&self, text: &str) -> bool {
        self.automaton.as_ref().is_none_or(|automaton| automaton.is_match(text))
    }
}

#[cfg(test)]
mod tests {
    use super::Prefilter;

    #[test]
    fn needles_are_found_as_written() {
        let filter = Prefilter::new(&["findUnique", "$queryRaw"]);
        assert!(filter.hits("await db.user.findUnique({})"));
        assert!(filter.hits("prisma.$queryRaw`x`"));
        assert!(!filter.hits("findunique"));
        assert!(!Prefilter::new(&[]).hits("anything"));
    }
}
