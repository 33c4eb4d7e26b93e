//! Sources: finding the project's files and reading them. Nothing else in the program reads the disk.
//!
//! A run names some paths, yet a race may have its two ends in two files: so the **whole project** is read, and what the
//! user named decides only which files are [`Source::reported`]. The project's files are those that the ignore files
//! leave over, minus what nobody wrote by hand (dependencies, build output, generated clients) and, unless asked for,
//! minus what runs alone (tests, seeds, migrations).
//!
//! **A byte order mark** is no part of a source's text: offsets count from behind it, so that spans, columns and
//! parsers never see it. [`Source::file_offset`] adds it again for output that speaks of the file's bytes.

mod beside;
mod discover;
mod prefilter;
mod read;
mod root;
mod skip;

use std::sync::OnceLock;

use crate::text::{LineIndex, Position};

pub use beside::{Beside, list_beside};
pub use discover::{Loaded, Note, Request, load};
pub use prefilter::Prefilter;
pub use read::{read_text, reason};
pub use root::{Paths, config_file, project_root, relative};
pub use skip::Skip;

/// The largest file that is read; anything above is data, not source.
pub const SIZE_CAP: u64 = 4 * 1024 * 1024;

/// The extensions of source files.
pub const EXTENSIONS: [&str; 9] = ["ts", "tsx", "mts", "cts", "js", "jsx", "mjs", "cjs", "rs"];

/// A file's text.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// Its path, relative to the project root, with forward slashes.
    pub path: String,
    /// Its text, without a byte order mark.
    pub text: String,
    /// Whether findings in it are asked for.
    pub reported: bool,
    /// The bytes of the byte order mark that stood before the text.
    bom: u32,
    lines: OnceLock<LineIndex>,
}

impl Source {
    /// A source from a path and the text of its file, which may start with a byte order mark.
    #[must_use]
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        let mut text = text.into();
        let mut bom = 0;
        if text.starts_with('\u{feff}') {
            bom = 3;
            text.drain(..3);
        }
        Self { path: path.into(), text, reported: true, bom, lines: OnceLock::new() }
    }

    /// The line index, built when it is first asked for.
    #[must_use]
    pub fn lines(&self) -> &LineIndex {
        self.lines.get_or_init(|| LineIndex::new(&self.text))
    }

    /// Line and column of an offset.
    #[must_use]
    pub fn position(&self, at: u32) -> Position {
        self.lines().position(&self.text, at)
    }

    /// The offset in the file's bytes, where a byte order mark counts.
    #[must_use]
    pub fn file_offset(&self, at: u32) -> u32 {
        at + self.bom
    }
}

/// Sources, in the order of their paths.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    all: Vec<Source>,
}

impl Sources {
    /// Sorts sources by path; of two with one path the first stays.
    #[must_use]
    pub fn new(mut all: Vec<Source>) -> Self {
        all.sort_by(|a, b| a.path.cmp(&b.path));
        all.dedup_by(|later, first| later.path == first.path);
        Self { all }
    }

    /// The source of a path.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&Source> {
        let at = self.all.binary_search_by(|source| source.path.as_str().cmp(path)).ok()?;
        self.all.get(at)
    }

    /// All sources, sorted by path.
    pub fn iter(&self) -> std::slice::Iter<'_, Source> {
        self.all.iter()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// How many of them findings are asked for.
    #[must_use]
    pub fn reported(&self) -> usize {
        self.all.iter().filter(|source| source.reported).count()
    }
}

impl<'a> IntoIterator for &'a Sources {
    type Item = &'a Source;
    type IntoIter = std::slice::Iter<'a, Source>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl FromIterator<Source> for Sources {
    fn from_iter<I: IntoIterator<Item = Source>>(sources: I) -> Self {
        Self::new(sources.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::{Source, Sources};
    use crate::text::Position;

    #[test]
    fn a_byte_order_mark_shifts_nothing() {
        let source = Source::new("a.ts", "\u{feff}x\r\ny");
        assert_eq!(source.text, "x\r\ny");
        assert_eq!(source.position(0), Position { line: 1, column: 1 });
        assert_eq!(source.position(3), Position { line: 2, column: 1 });
        assert_eq!(source.file_offset(3), 6);
    }

    #[test]
    fn sources_are_found_by_path() {
        let sources = Sources::new(vec![Source::new("b.ts", "b"), Source::new("a.ts", "a")]);
        assert_eq!(sources.get("b.ts").map(|source| source.text.as_str()), Some("b"));
        assert!(sources.get("c.ts").is_none());
        assert_eq!(sources.iter().next().map(|source| source.path.as_str()), Some("a.ts"));
    }
}
