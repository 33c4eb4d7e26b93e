//! The commands and their flags.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Finds check-then-act races in code that talks to a database.
#[derive(Debug, Parser)]
#[command(name = "toctou", version, disable_help_subcommand = true, max_term_width = 100)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Checks files and folders. The whole project is read, the named paths are reported
    Check(Box<Check>),
    /// Lists the rules
    Rules {
        /// The form of the list
        #[arg(long, value_enum, default_value_t = ListFormat::Human)]
        format: ListFormat,
    },
    /// Prints the page of a rule
    Explain {
        /// The rule's name
        rule: String,
    },
    /// Prints what the analysis sees in a file
    Dump {
        /// Which form of it
        #[arg(value_enum)]
        what: DumpWhat,
        /// The file
        file: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(super) struct Check {
    /// Files and folders to report on
    #[arg(default_value = ".")]
    pub(super) paths: Vec<PathBuf>,

    /// The form of the report
    #[arg(long, value_enum, default_value_t = ReportFormat::Human)]
    pub(super) format: ReportFormat,

    /// Writes the report to a file
    #[arg(long, short, value_name = "FILE")]
    pub(super) output_file: Option<PathBuf>,

    /// When to use colours
    #[arg(long, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub(super) color: Color,

    /// Applies the strict rules as well
    #[arg(long)]
    pub(super) strict: bool,

    /// Rules to apply, separated by commas: names, or `all`, `default`, `strict`
    #[arg(long, value_delimiter = ',', value_name = "RULE")]
    pub(super) select: Vec<String>,

    /// Rules to leave out, likewise
    #[arg(long, value_delimiter = ',', value_name = "RULE")]
    pub(super) ignore: Vec<String>,

    /// Leaves out findings of less confidence [default: medium]
    #[arg(long, value_enum, value_name = "LEVEL")]
    pub(super) min_confidence: Option<ConfidenceLevel>,

    /// Exits with 1 from this severity on [default: warning]
    #[arg(long, value_enum, value_name = "SEVERITY")]
    pub(super) fail_on: Option<FailLevel>,

    /// Reads the settings from this file instead of the nearest `toctou.toml`
    #[arg(long, value_name = "FILE", conflicts_with = "no_config")]
    pub(super) config: Option<PathBuf>,

    /// Reads no settings file
    #[arg(long)]
    pub(super) no_config: bool,

    /// Checks tests, seeds and migrations as well
    #[arg(long)]
    pub(super) include_tests: bool,

    /// The database (postgresql, mysql, mariadb, sqlite, cockroachdb, …)
    #[arg(long, value_name = "NAME")]
    pub(super) engine: Option<String>,

    /// The isolation of transactions that set none (read committed, serializable, …)
    #[arg(long, value_name = "LEVEL")]
    pub(super) isolation: Option<String>,

    /// Reports findings that comments allow as well
    #[arg(long)]
    pub(super) no_ignores: bool,

    /// Says which project and settings are used, and the time it took
    #[arg(long, short, conflicts_with = "quiet")]
    pub(super) verbose: bool,

    /// Prints findings only
    #[arg(long, short)]
    pub(super) quiet: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum ReportFormat {
    /// Labelled source, the interleaving, a way out
    Human,
    /// One line for each finding
    Concise,
    /// JSON, version 1
    Json,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum ListFormat {
    Human,
    Json,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum ConfidenceLevel {
    Low,
    Medium,
    High,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum FailLevel {
    Info,
    Warning,
    Error,
    Never,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum DumpWhat {
    /// The file with the language taken off
    Ir,
    /// The windows whose act lies in the file
    Windows,
    /// What the schema guarantees
    Schema,
}
