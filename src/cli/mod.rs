//! The command line.
//!
//! Everything is written through the writers that are passed in. Exit codes: 0 nothing at or above `--fail-on`, 1
//! findings, 2 a fault in the command, the configuration or the named paths.

mod args;
mod check;
mod dump;
mod pages;
mod project;

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use clap::Parser;

use self::args::{Cli, Color, Command};
use crate::source::reason;

/// Nothing to say.
const CLEAN: u8 = 0;
/// Findings.
const FINDINGS: u8 = 1;
/// The command, the configuration or a named path is at fault.
const FAULT: u8 = 2;

/// What the command line takes from its surroundings.
#[derive(Clone, Debug)]
pub struct Environment {
    /// The working directory; an error where there is none.
    pub working_directory: Result<PathBuf, String>,
    /// Whether standard output is a terminal.
    pub terminal: bool,
    /// Whether colours are forbidden (`NO_COLOR`, a dumb terminal) or demanded (`CLICOLOR_FORCE`).
    pub color: Option<bool>,
    /// The width of the terminal, where it is known (`COLUMNS`).
    pub columns: Option<usize>,
}

impl Environment {
    /// The surroundings of this process.
    #[must_use]
    pub fn of_process() -> Self {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0");
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let color = if no_color || std::env::var_os("TERM").is_some_and(|term| term == "dumb") {
            Some(false)
        } else {
            set("CLICOLOR_FORCE").then_some(true)
        };
        Self {
            working_directory: std::env::current_dir().map_err(|error| error.to_string()),
            terminal: io::stdout().is_terminal(),
            color,
            columns: std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()),
        }
    }

    /// Whether output to standard output has colours.
    fn colors(&self, wish: Color) -> bool {
        match wish {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => self.color.unwrap_or(self.terminal),
        }
    }
}

/// Why a command could not be carried out, for the user to read.
#[derive(Debug)]
struct Failure(String);

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self(format!("cannot write: {}", reason(&error)))
    }
}

/// Carries out a command. `arguments` starts with the program's name.
pub fn run(
    arguments: impl IntoIterator<Item = OsString>,
    environment: &Environment,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> u8 {
    let outcome = match Cli::try_parse_from(arguments) {
        Ok(cli) => carry_out(&cli.command, environment, out, err),
        Err(error) => return tell_usage(&error, environment, out, err),
    };
    match outcome.and_then(|code| Ok(heard(out.flush()).map(|()| code)?)) {
        Ok(code) => code,
        Err(Failure(message)) => {
            // Where even this cannot be written, the exit code speaks.
            let _ = writeln!(err, "error: {message}");
            FAULT
        }
    }
}

/// A reader who has left (`toctou check | head`) is no failure: the exit code is the same as if they had stayed.
fn heard(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

fn carry_out(
    command: &Command,
    environment: &Environment,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<u8, Failure> {
    match command {
        Command::Check(check) => check::run(check, environment, out, err),
        Command::Rules { format } => pages::list(*format, out),
        Command::Explain { rule } => pages::explain(rule, out),
        Command::Dump { what, file } => dump::run(*what, file, environment, out),
    }
}

/// Help and version go to `out`, faults to `err`.
fn tell_usage(error: &clap::Error, environment: &Environment, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    let text = error.render();
    let text = if environment.colors(Color::Auto) { text.ansi().to_string() } else { text.to_string() };
    if error.use_stderr() {
        let _ = write!(err, "{text}");
        return FAULT;
    }
    let _ = write!(out, "{text}").and_then(|()| out.flush());
    CLEAN
}
