//! Globs over project-relative paths, as `include`, `exclude` and `[[overrides]]` use them.
//!
//! A pattern without a slash matches at any depth (`*.gen.ts`, `legacy`); one with a slash counts from the project root. A
//! pattern that matches a folder matches everything in it. `*` stays within one folder, `**` crosses them.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

/// A set of patterns.
#[derive(Clone, Debug, Default)]
pub struct Globs {
    set: GlobSet,
}

impl Globs {
    /// Compiles patterns; the error names the first bad one by its position and says what is wrong with it.
    ///
    /// # Errors
    ///
    /// When a pattern is no glob.
    pub fn new<S: AsRef<str>>(patterns: &[S]) -> Result<Self, GlobError> {
        let mut set = GlobSetBuilder::new();
        for (index, pattern) in patterns.iter().enumerate() {
            for form in forms(pattern.as_ref()) {
                let glob = GlobBuilder::new(&form).literal_separator(true).build();
                set.add(glob.map_err(|error| GlobError { index, message: error.kind().to_string() })?);
            }
        }
        let set = set.build().map_err(|error| GlobError { index: 0, message: error.kind().to_string() })?;
        Ok(Self { set })
    }

    /// Whether there is no pattern at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.set.is_empty()
    }

    /// Whether a pattern matches `path` or a folder above it.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        self.set.is_match(path)
    }
}

/// Why patterns could not be compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GlobError {
    /// Which of the patterns.
    pub index: usize,
    /// What is wrong with it.
    pub message: String,
}

/// A pattern as globs that match the whole path: the thing itself and, as it may be a folder, what lies in it.
fn forms(pattern: &str) -> Vec<String> {
    let pattern = pattern.strip_prefix("./").unwrap_or(pattern);
    let folder_only = pattern.ends_with('/');
    let inner = pattern.trim_end_matches('/');
    let rooted = match inner.strip_prefix('/') {
        Some(rest) => rest.to_owned(),
        None if inner.contains('/') => inner.to_owned(),
        None => format!("**/{inner}"),
    };
    let below = format!("{rooted}/**");
    if folder_only { vec![below] } else { vec![rooted, below] }
}

#[cfg(test)]
mod tests {
    use super::Globs;

    fn globs(pattern: &str) -> Globs {
        Globs::new(&[pattern]).expect("a glob")
    }

    #[test]
    fn names_match_anywhere_and_paths_from_the_root() {
        assert!(globs("*.gen.ts").matches("src/a/b.gen.ts"));
        assert!(globs("legacy").matches("src/legacy/a.ts"));
        assert!(globs("src/legacy").matches("src/legacy/deep/a.ts"));
        assert!(!globs("src/legacy").matches("other/src/legacy/a.ts"));
        assert!(globs("./src/*.ts").matches("src/a.ts"));
        assert!(!globs("src/*.ts").matches("src/deep/a.ts"));
        assert!(globs("src/**").matches("src/deep/a.ts"));
        assert!(globs("/a.ts").matches("a.ts"));
        assert!(!globs("/a.ts").matches("src/a.ts"));
        assert!(globs("legacy/").matches("src/legacy/a.ts"));
        assert!(!globs("legacy/").matches("src/legacy"));
    }

    #[test]
    fn a_bad_pattern_is_named() {
        let error = Globs::new(&["a", "b[", "c"]).expect_err("no glob");
        assert_eq!(error.index, 1);
        assert!(error.message.contains("unclosed"), "{}", error.message);
    }
}
