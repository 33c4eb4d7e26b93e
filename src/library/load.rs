//! From text to checked rows.

use toml::Spanned;

use super::compile::{Compiler, Origin};
use super::schema::File;
use super::suggest::hint;
use super::{Library, needles};
use crate::text::Span;

/// The files that come with the program.
const BUILTIN: &[(&str, &str)] = &[
    ("rules/libraries/prisma.toml", include_str!("../../rules/libraries/prisma.toml")),
    ("rules/libraries/std.toml", include_str!("../../rules/libraries/std.toml")),
    ("rules/libraries/dashmap.toml", include_str!("../../rules/libraries/dashmap.toml")),
    ("rules/libraries/locks.toml", include_str!("../../rules/libraries/locks.toml")),
    ("rules/libraries/web.toml", include_str!("../../rules/libraries/web.toml")),
    ("rules/libraries/sqlx.toml", include_str!("../../rules/libraries/sqlx.toml")),
    ("rules/libraries/tokio-postgres.toml", include_str!("../../rules/libraries/tokio-postgres.toml")),
    ("rules/libraries/rusqlite.toml", include_str!("../../rules/libraries/rusqlite.toml")),
    ("rules/libraries/diesel.toml", include_str!("../../rules/libraries/diesel.toml")),
    ("rules/libraries/sea-orm.toml", include_str!("../../rules/libraries/sea-orm.toml")),
];

/// Why a library file could not be loaded, and where in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadError {
    /// The file.
    pub path: String,
    /// The place in it.
    pub span: Span,
    /// What is wrong, for people.
    pub message: String,
}

/// All libraries.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    libraries: Vec<Library>,
}

impl Registry {
    /// The libraries that come with the program.
    #[must_use]
    pub fn builtin() -> Self {
        let (registry, errors) = Self::read(BUILTIN);
        debug_assert!(errors.is_empty(), "a built-in library does not load: {errors:?}");
        registry
    }

    /// The libraries that come with the program and those of further files, each a path and its text. A file may add rows
    /// to a library that exists.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the files.
    pub fn with<P: AsRef<str>, T: AsRef<str>>(files: &[(P, T)]) -> Result<Self, Vec<LoadError>> {
        let further = files.iter().map(|(path, text)| (path.as_ref(), text.as_ref()));
        let all: Vec<_> = BUILTIN.iter().copied().chain(further).collect();
        let (registry, errors) = Self::read(&all);
        if errors.is_empty() { Ok(registry) } else { Err(errors) }
    }

    /// All libraries, built-in ones first.
    #[must_use]
    pub fn libraries(&self) -> &[Library] {
        &self.libraries
    }

    /// The library of that name.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Library> {
        self.libraries.iter().find(|library| library.id == id)
    }

    /// The libraries that are called from a language.
    pub fn for_language<'a>(&'a self, language: &'a str) -> impl Iterator<Item = &'a Library> {
        self.libraries.iter().filter(move |library| library.language == language)
    }

    /// Words of which a file holds at least one if it calls any of the libraries: names of modules, of types and of
    /// methods, and SQL. Words that are common elsewhere (`create`, `db`) are left out, so a file that shows nothing else
    /// is found by what it imports instead. Sorted, each once.
    #[must_use]
    pub fn needles(&self) -> Vec<String> {
        needles::needles(&self.libraries)
    }

    /// Reads files in order and keeps what is right.
    fn read(files: &[(&str, &str)]) -> (Self, Vec<LoadError>) {
        let mut errors = Vec::new();
        let mut groups: Vec<(String, Vec<Origin<'_>>)> = Vec::new();
        for (path, text) in files {
            match toml::from_str::<File>(text) {
                Ok(file) => group(&mut groups, Origin { path, text, file }, &mut errors),
                Err(error) => errors.push(LoadError {
                    path: (*path).to_owned(),
                    span: span(error.span().unwrap_or(0..0)),
                    message: explain(error.message()),
                }),
            }
        }
        let libraries = groups.into_iter().map(|(_, origins)| Compiler::run(&origins, &mut errors)).collect();
        (Self { libraries }, errors)
    }
}

/// Puts a file with the other files of its library.
fn group<'a>(groups: &mut Vec<(String, Vec<Origin<'a>>)>, origin: Origin<'a>, errors: &mut Vec<LoadError>) {
    let mut fail = |at: Option<&Spanned<String>>, message: String| {
        let span = span(at.map_or(0..0, Spanned::span));
        errors.push(LoadError { path: origin.path.to_owned(), span, message });
    };
    let lib = &origin.file.lib;
    match (&lib.id, &lib.extends) {
        (Some(id), Some(_)) => fail(Some(id), "a file has an `id` or `extends` another library, not both".into()),
        (None, None) => fail(None, "`[lib]` needs an `id`, or `extends` with the name of another library".into()),
        (Some(id), None) => {
            if groups.iter().any(|(other, _)| other == id.get_ref()) {
                let id_text = id.get_ref();
                fail(
                    Some(id),
                    format!("there is a library `{id_text}` already; write `extends = \"{id_text}\"` to add to it"),
                );
            } else if lib.language.is_none() {
                fail(Some(id), "`[lib]` needs the `language` the library is called from".into());
            } else {
                groups.push((id.get_ref().clone(), vec![origin]));
            }
        }
        (None, Some(base)) => {
            if let Some(language) = &lib.language {
                fail(Some(language), "the language is that of the library that is extended".into());
            } else if let Some((_, origins)) = groups.iter_mut().find(|(id, _)| id == base.get_ref()) {
                origins.push(origin);
            } else {
                let known: Vec<_> = groups.iter().map(|(id, _)| id.as_str()).collect();
                fail(Some(base), format!("there is no library `{}`{}", base.get_ref(), hint(base.get_ref(), &known)));
            }
        }
    }
}

/// A span of the TOML reader as one of ours.
pub(super) fn span(range: std::ops::Range<usize>) -> Span {
    let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    Span::new(offset(range.start), offset(range.end))
}

/// The TOML reader's message in our words, with a suggestion where a word is unknown.
fn explain(message: &str) -> String {
    let words: Vec<_> = message.split('`').skip(1).step_by(2).collect();
    let what = [("unknown field", "key"), ("unknown variant", "word")]
        .into_iter()
        .find(|(start, _)| message.starts_with(start));
    match (what, words.as_slice(), message.strip_prefix("missing field")) {
        (Some((_, what)), [unknown, known @ ..], _) => format!("unknown {what} `{unknown}`{}", hint(unknown, known)),
        (_, [missing, ..], Some(_)) => format!("the key `{missing}` is missing"),
        _ => message.to_owned(),
    }
}

#[cfg(test)]
mod tests;
