//! Settings: `toctou.toml` and the flags that override it, resolved into a [`Config`].
//!
//! **Which rules speak.** `select` starts the set (default: `default`), a level in `[rules]` adds its rule, `ignore` and
//! the level `off` take away and win over both. Selecting on the command line starts over: it forgets the file's
//! `select`, `ignore` and `off`, and keeps only the file's severities.

mod error;
mod file;

use std::collections::BTreeMap;
use std::path::Path;

use crate::finding::{Confidence, Severity};
use crate::glob::Globs;

pub use error::ConfigError;

/// A rule as the configuration needs to know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownRule {
    /// Its name.
    pub name: &'static str,
    /// Whether it speaks only when asked.
    pub strict: bool,
}

/// From which severity on a run fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FailOn {
    /// At any finding of this severity or above.
    At(Severity),
    /// At none.
    Never,
}

/// Whether a rule speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It does, at its own severity or at this one.
    On(Option<Severity>),
    /// Nobody asked for it; it may speak under another name.
    Unselected,
    /// It was told not to.
    Off,
}

/// Settings for some of the files.
#[derive(Clone, Debug)]
pub struct Override {
    /// Which.
    pub paths: Globs,
    /// States of rules that differ there.
    pub rules: BTreeMap<&'static str, State>,
    /// The database they talk to.
    pub engine: Option<String>,
}

/// Resolved settings.
#[derive(Clone, Debug)]
pub struct Config {
    /// States of all rules.
    pub rules: BTreeMap<&'static str, State>,
    /// The least confidence a finding needs.
    pub min_confidence: Confidence,
    /// From which severity on a run fails.
    pub fail_on: FailOn,
    /// Files that belong to the project; all where it is empty.
    pub include: Globs,
    /// Files that do not.
    pub exclude: Globs,
    /// Whether tests, seeds and migrations belong to it.
    pub include_tests: bool,
    /// The database, where it is said (`postgresql`).
    pub engine: Option<String>,
    /// The isolation of transactions that set none, where it is said (`read committed`).
    pub isolation: Option<String>,
    /// Further names of database clients (`db`, `this.database`).
    pub clients: Vec<String>,
    /// Further library files, as written: relative to the project root.
    pub libraries: Vec<String>,
    /// Whether comments in the code may allow a finding.
    pub allow_inline_ignores: bool,
    /// Settings for some of the files; the last that says something wins.
    pub overrides: Vec<Override>,
}

/// What flags say. Empty and `None` leave the file's word.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// Adds the strict rules.
    pub strict: bool,
    /// Rules and groups to start with.
    pub select: Vec<String>,
    /// Rules and groups to leave out.
    pub ignore: Vec<String>,
    /// The least confidence.
    pub min_confidence: Option<Confidence>,
    /// From which severity on a run fails.
    pub fail_on: Option<FailOn>,
    /// Brings in tests, seeds and migrations.
    pub include_tests: bool,
    /// The database.
    pub engine: Option<String>,
    /// The isolation of transactions that set none.
    pub isolation: Option<String>,
    /// Forgets all comments that allow a finding.
    pub no_ignores: bool,
}

impl Config {
    /// The settings of a project without a configuration file.
    #[must_use]
    pub fn new(rules: &[KnownRule]) -> Self {
        let state = |rule: &KnownRule| if rule.strict { State::Unselected } else { State::On(None) };
        Self {
            rules: rules.iter().map(|rule| (rule.name, state(rule))).collect(),
            min_confidence: Confidence::Medium,
            fail_on: FailOn::At(Severity::Warning),
            include: Globs::default(),
            exclude: Globs::default(),
            include_tests: false,
            engine: None,
            isolation: None,
            clients: Vec::new(),
            libraries: Vec::new(),
            allow_inline_ignores: true,
            overrides: Vec::new(),
        }
    }

    /// Resolves the text of a configuration file and the flags. `path` is the file's name in errors.
    ///
    /// # Errors
    ///
    /// When the file or a flag says something that nobody understands.
    pub fn resolve(file: Option<(&str, &str)>, flags: &Flags, rules: &[KnownRule]) -> Result<Self, ConfigError> {
        let mut config = match file {
            Some((path, text)) => file::parse(path, text, rules, flags.select.is_empty())?,
            None => Self::new(rules),
        };
        config.apply(flags, rules)?;
        Ok(config)
    }

    /// The state of a rule in a file.
    #[must_use]
    pub fn state(&self, rule: &str, path: &str) -> State {
        let said = self.overrides.iter().rev().filter(|over| over.paths.matches(path));
        let said = said.filter_map(|over| over.rules.get(rule)).next();
        let base = self.rules.get(rule).copied().unwrap_or(State::On(None));
        match said {
            // What a flag or the top of the file turned off stays off.
            Some(State::On(_)) if base == State::Off => State::Off,
            Some(state) => *state,
            None => base,
        }
    }

    /// The database that a file talks to, where it is said.
    #[must_use]
    pub fn engine_of(&self, path: &str) -> Option<&str> {
        let said = self.overrides.iter().rev().filter(|over| over.paths.matches(path));
        said.filter_map(|over| over.engine.as_deref()).next().or(self.engine.as_deref())
    }

    /// Lets the strict rules speak as well, but for those that were told not to.
    fn add_strict(&mut self, rules: &[KnownRule]) {
        for rule in rules.iter().filter(|rule| rule.strict) {
            let state = self.rules.entry(rule.name).or_insert(State::Unselected);
            if *state == State::Unselected {
                *state = State::On(None);
            }
        }
    }

    fn apply(&mut self, flags: &Flags, rules: &[KnownRule]) -> Result<(), ConfigError> {
        if !flags.select.is_empty() {
            let mut selected = Vec::new();
            for word in &flags.select {
                selected.extend(group(word, rules).map_err(|wrong| wrong.in_flag("--select"))?);
            }
            for rule in rules {
                let severity = match self.rules.get(rule.name) {
                    Some(State::On(severity)) => *severity,
                    _ => None,
                };
                let on = selected.contains(&rule.name);
                self.rules.insert(rule.name, if on { State::On(severity) } else { State::Unselected });
            }
        }
        if flags.strict {
            self.add_strict(rules);
        }
        for word in &flags.ignore {
            for name in group(word, rules).map_err(|wrong| wrong.in_flag("--ignore"))? {
                self.rules.insert(name, State::Off);
            }
        }
        if let Some(name) = &flags.engine {
            self.engine = Some(engine(name).map_err(|wrong| wrong.in_flag("--engine"))?);
        }
        if let Some(name) = &flags.isolation {
            self.isolation = Some(isolation(name).map_err(|wrong| wrong.in_flag("--isolation"))?);
        }
        self.min_confidence = flags.min_confidence.unwrap_or(self.min_confidence);
        self.fail_on = flags.fail_on.unwrap_or(self.fail_on);
        self.include_tests |= flags.include_tests;
        self.allow_inline_ignores &= !flags.no_ignores;
        Ok(())
    }
}

/// A word that is not understood, and what may have been meant.
struct Wrong {
    message: String,
    help: Option<String>,
}

impl Wrong {
    /// `what` is no known `kind`; `known` are all of them.
    fn unknown(kind: &str, what: &str, known: &[&str]) -> Self {
        let help = match crate::suggest::closest(what, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known: {}", known.join(", ")),
        };
        Self { message: format!("unknown {kind} `{what}`"), help: Some(help) }
    }

    fn in_flag(self, flag: &str) -> ConfigError {
        ConfigError::in_flag(flag, self.message, self.help)
    }
}

/// The rules that a word of `select` or `ignore` means: a rule, or one of the groups `all`, `default`, `strict`.
fn group(word: &str, rules: &[KnownRule]) -> Result<Vec<&'static str>, Wrong> {
    let names = |wanted: &dyn Fn(&KnownRule) -> bool| rules.iter().filter(|r| wanted(r)).map(|r| r.name).collect();
    match word {
        "all" => Ok(names(&|_| true)),
        "default" => Ok(names(&|rule| !rule.strict)),
        "strict" => Ok(names(&|rule| rule.strict)),
        word => rule(word, rules).map(|name| vec![name]).map_err(|mut wrong| {
            let groups = wrong.help.as_ref().is_some_and(|help| help.starts_with("known"));
            wrong.help = wrong.help.map(|help| if groups { format!("{help}, all, default, strict") } else { help });
            wrong
        }),
    }
}

/// Whether a level is the strict one.
fn level(word: &str) -> Result<bool, Wrong> {
    match word {
        "default" => Ok(false),
        "strict" => Ok(true),
        word => Err(Wrong::unknown("level", word, &["default", "strict"])),
    }
}

fn rule(word: &str, rules: &[KnownRule]) -> Result<&'static str, Wrong> {
    let names: Vec<&'static str> = rules.iter().map(|rule| rule.name).collect();
    names.iter().copied().find(|name| *name == word).ok_or_else(|| Wrong::unknown("rule", word, &names))
}

const ENGINES: [&str; 7] = ["postgresql", "mysql", "mariadb", "sqlite", "cockroachdb", "sqlserver", "mongodb"];

fn engine(word: &str) -> Result<String, Wrong> {
    let name = word.to_lowercase();
    let name = match name.as_str() {
        "postgres" | "pg" => "postgresql",
        "cockroach" | "crdb" => "cockroachdb",
        "mssql" => "sqlserver",
        "mongo" => "mongodb",
        "sqlite3" => "sqlite",
        name => name,
    };
    if ENGINES.contains(&name) { Ok(name.to_owned()) } else { Err(Wrong::unknown("engine", word, &ENGINES)) }
}

const ISOLATIONS: [&str; 7] =
    ["read uncommitted", "read committed", "repeatable read", "snapshot", "serializable", "deferred", "immediate"];

/// Accepts every way of writing a level: `read committed`, `read-committed`, `ReadCommitted`, `READ_COMMITTED`.
fn isolation(word: &str) -> Result<String, Wrong> {
    let bare = |text: &str| text.to_lowercase().replace([' ', '-', '_'], "");
    let found = ISOLATIONS.iter().find(|level| bare(level) == bare(word));
    found.map(|level| (*level).to_owned()).ok_or_else(|| Wrong::unknown("isolation level", word, &ISOLATIONS))
}

fn severity_or_off(word: &str) -> Result<State, Wrong> {
    Ok(match word {
        "off" => State::Off,
        "info" => State::On(Some(Severity::Info)),
        "warning" => State::On(Some(Severity::Warning)),
        "error" => State::On(Some(Severity::Error)),
        word => return Err(Wrong::unknown("level", word, &["off", "info", "warning", "error"])),
    })
}

fn confidence(word: &str) -> Result<Confidence, Wrong> {
    Ok(match word {
        "low" => Confidence::Low,
        "medium" => Confidence::Medium,
        "high" => Confidence::High,
        word => return Err(Wrong::unknown("confidence", word, &["low", "medium", "high"])),
    })
}

fn fail_on(word: &str) -> Result<FailOn, Wrong> {
    Ok(match word {
        "info" => FailOn::At(Severity::Info),
        "warning" => FailOn::At(Severity::Warning),
        "error" => FailOn::At(Severity::Error),
        "never" => FailOn::Never,
        word => return Err(Wrong::unknown("severity", word, &["info", "warning", "error", "never"])),
    })
}

/// Reads and resolves the settings at `file`, shown as `shown`; without a file, those of the flags alone.
///
/// # Errors
///
/// When the file cannot be read, or it or a flag says something that nobody understands.
pub fn load(file: Option<(&Path, &str)>, flags: &Flags, rules: &[KnownRule]) -> Result<Config, ConfigError> {
    let Some((file, shown)) = file else { return Config::resolve(None, flags, rules) };
    let text =
        crate::source::read_text(file, shown).map_err(|problem| ConfigError::whole_file(shown, problem.message))?;
    Config::resolve(Some((shown, text.strip_prefix('\u{feff}').unwrap_or(&text))), flags, rules)
}

#[cfg(test)]
mod tests;
