//! The shape of `toctou.toml` and its reading.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::{
    Config, ConfigError, KnownRule, Override, State, Wrong, confidence, engine, fail_on, group, isolation, level, rule,
    severity_or_off,
};
use crate::glob::Globs;

type Word = Spanned<String>;

/// Every key of the file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct File {
    level: Option<Word>,
    select: Option<Vec<Word>>,
    ignore: Vec<Word>,
    rules: BTreeMap<Word, Word>,
    min_confidence: Option<Word>,
    fail_on: Option<Word>,
    include: Vec<Word>,
    exclude: Vec<Word>,
    include_tests: bool,
    engine: Option<Word>,
    isolation: Option<Word>,
    clients: Vec<String>,
    libraries: Vec<String>,
    allow_inline_ignores: Option<bool>,
    overrides: Vec<OverrideTable>,
}

/// Every key of an `[[overrides]]` table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct OverrideTable {
    paths: Vec<Word>,
    #[serde(default)]
    rules: BTreeMap<Word, Word>,
    engine: Option<Word>,
}

/// Reads the file. Where `choose` is false, its choice of rules is read but not followed: a flag chose.
pub(super) fn parse(path: &str, text: &str, rules: &[KnownRule], choose: bool) -> Result<Config, ConfigError> {
    let file: File = toml::from_str(text).map_err(|error| {
        let span = error.span().unwrap_or(0..0);
        ConfigError::at(path, text, span, reworded(error.message()))
    })?;
    let reader = Reader { path, text, rules };
    let mut config = Config::new(rules);
    reader.choose_rules(&file, choose, &mut config)?;
    if let Some(word) = &file.min_confidence {
        config.min_confidence = reader.word(word, confidence)?;
    }
    if let Some(word) = &file.fail_on {
        config.fail_on = reader.word(word, fail_on)?;
    }
    config.include = reader.globs(&file.include)?;
    config.exclude = reader.globs(&file.exclude)?;
    config.include_tests = file.include_tests;
    config.engine = file.engine.as_ref().map(|word| reader.word(word, engine)).transpose()?;
    config.isolation = file.isolation.as_ref().map(|word| reader.word(word, isolation)).transpose()?;
    config.clients = file.clients;
    config.libraries = file.libraries;
    config.allow_inline_ignores = file.allow_inline_ignores.unwrap_or(true);
    for table in &file.overrides {
        config.overrides.push(Override {
            paths: reader.globs(&table.paths)?,
            rules: reader.levels(&table.rules)?,
            engine: table.engine.as_ref().map(|word| reader.word(word, engine)).transpose()?,
        });
    }
    Ok(config)
}

/// Checks words and points at the wrong ones.
struct Reader<'a> {
    path: &'a str,
    text: &'a str,
    rules: &'a [KnownRule],
}

impl Reader<'_> {
    fn word<T>(&self, word: &Word, read: impl Fn(&str) -> Result<T, Wrong>) -> Result<T, ConfigError> {
        read(word.get_ref()).map_err(|wrong| ConfigError::at(self.path, self.text, word.span(), wrong))
    }

    fn groups(&self, words: &[Word]) -> Result<Vec<&'static str>, ConfigError> {
        let lists: Result<Vec<_>, _> =
            words.iter().map(|word| self.word(word, |name| group(name, self.rules))).collect();
        Ok(lists?.concat())
    }

    fn levels(&self, words: &BTreeMap<Word, Word>) -> Result<BTreeMap<&'static str, State>, ConfigError> {
        let level =
            |(name, level)| Ok((self.word(name, |name| rule(name, self.rules))?, self.word(level, severity_or_off)?));
        words.iter().map(level).collect()
    }

    fn globs(&self, words: &[Word]) -> Result<Globs, ConfigError> {
        let patterns: Vec<&str> = words.iter().map(|word| word.get_ref().as_str()).collect();
        Globs::new(&patterns).map_err(|error| {
            let span = words.get(error.index).map_or(0..0, Word::span);
            let wrong = Wrong { message: format!("this is no glob: {}", error.message), help: None };
            ConfigError::at(self.path, self.text, span, wrong)
        })
    }

    fn choose_rules(&self, file: &File, choose: bool, config: &mut Config) -> Result<(), ConfigError> {
        let strict = file.level.as_ref().map(|word| self.word(word, level)).transpose()?.unwrap_or(false);
        if strict && choose {
            config.add_strict(self.rules);
        }
        let selected = file.select.as_ref().map(|words| self.groups(words)).transpose()?;
        let ignored = self.groups(&file.ignore)?;
        let levels = self.levels(&file.rules)?;
        if choose && let Some(selected) = selected {
            for (name, state) in &mut config.rules {
                *state = if selected.contains(name) { State::On(None) } else { State::Unselected };
            }
        }
        for (name, state) in levels {
            if choose || state != State::Off {
                config.rules.insert(name, state);
            }
        }
        for name in ignored.into_iter().filter(|_| choose) {
            config.rules.insert(name, State::Off);
        }
        Ok(())
    }
}

/// The reader's words in ours: an unknown key gets the nearest known one instead of the list of all.
fn reworded(message: &str) -> Wrong {
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    if message.starts_with("unknown field")
        && let Some((key, known)) = quoted.split_first()
    {
        return Wrong::unknown("key", key, known);
    }
    let first = message.lines().next().unwrap_or("not valid TOML");
    Wrong { message: first.to_owned(), help: None }
}
