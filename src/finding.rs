//! What a run has to say: findings, their labels and schedules, and the problems met on the way.
//!
//! Everything here is finished speech: reporters print it and decide nothing. Positions are byte spans into the named
//! file; lines and columns are made where they are printed.

use crate::text::Span;

/// How bad it is, from what the judge saw happen to the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// The data stays right; only answers differ, or the case is weak.
    Info,
    /// A request fails that nobody prepared for; the data stays right.
    Warning,
    /// Wrong data: duplicates, double acts, lost updates, limits exceeded.
    Error,
}

/// How sure the evidence is: that of its weakest hop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Confidence {
    /// Rests on a guess that may well be wrong.
    Low,
    /// Rests on names or on values that may differ.
    Medium,
    /// Every hop is proven.
    High,
}

/// What a label points at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Where the program looked.
    Check,
    /// What may keep others out, and does not.
    Guard,
    /// Where it acted on what it saw.
    Act,
    /// The transaction around it.
    Transaction,
    /// A call on the way there.
    Call,
}

/// A place and what happens there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// What the place is.
    pub role: Role,
    /// The file.
    pub path: String,
    /// The place in it.
    pub span: Span,
    /// What happens there, for people.
    pub message: String,
}

/// What the bad interleaving leaves behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Anomaly {
    /// Two rows where one was meant.
    Duplicate,
    /// A unique key stopped the second row, and nobody handles the error.
    UnhandledViolation,
    /// What was looked at is gone by the time it is acted on, and nobody handles the error.
    UnhandledAbsence,
    /// Both acted on a state that only one may act on.
    DoubleAct,
    /// One write overwrote another.
    LostUpdate,
    /// More rows than the checked limit allows.
    LimitExceeded,
    /// Two rows carry a flag that only one may carry.
    TwoSet,
    /// No row carries a flag that one must carry.
    NoneSet,
    /// A database error nobody retries.
    AbortedWithoutRetry,
    /// Only some of the writes happened.
    PartialWrite,
    /// Decided on a state that another had changed meanwhile.
    StaleDecision,
}

impl Anomaly {
    /// Whether it is that something fails, which a handler of errors can make good, rather than wrong data.
    pub fn is_failure(self) -> bool {
        match self {
            Self::UnhandledViolation | Self::UnhandledAbsence | Self::AbortedWithoutRetry | Self::PartialWrite => true,
            Self::Duplicate
            | Self::DoubleAct
            | Self::LostUpdate
            | Self::LimitExceeded
            | Self::TwoSet
            | Self::NoneSet
            | Self::StaleDecision => false,
        }
    }
}

/// The interleaving that proves a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The database it was tried on.
    pub engine: String,
    /// The isolation it ran at, `None` where no transaction is open.
    pub isolation: Option<String>,
    /// Whether engine or isolation were assumed rather than read from the project.
    pub assumed: bool,
    /// What it leaves behind.
    pub anomaly: Anomaly,
    /// The statements in order.
    pub steps: Vec<ScheduleStep>,
    /// How it ends, in one sentence, where the steps do not say it.
    pub ending: Option<String>,
}

/// One statement of a schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleStep {
    /// `A` or `B`.
    pub session: char,
    /// The file of the statement, if it stands in one.
    pub path: Option<String>,
    /// Its place there.
    pub span: Span,
    /// The statement, shortened (`findUnique User{email}`).
    pub op: String,
    /// What it saw or did (`none`, `1 row`, `unique violation (P2002)`).
    pub outcome: String,
}

/// One corrected form, as text to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Help {
    /// What to do, in one sentence.
    pub title: String,
    /// The code that does it, if it can be shown.
    pub code: Option<String>,
}

/// A way out, written down for one case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sketch {
    /// The code.
    pub code: String,
    /// The columns of a unique key in it, and the rows it is for, in words.
    pub key: Option<String>,
    /// Whether its condition is the test that the code makes, where the old value would have been compared otherwise.
    pub tested: bool,
}

/// What becomes of a way out when it is to be written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// It can be.
    Written(Sketch),
    /// It does not fit this code.
    Unfit,
    /// Nobody has taught how to write it for this library.
    Untaught,
}

/// A race, or a fault in the project's own remarks about races.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule that speaks.
    pub rule: &'static str,
    /// Further rules it counts under: what selects, ignores or allows one of them does so for this finding as well.
    pub also: Vec<&'static str>,
    /// How bad it is.
    pub severity: Severity,
    /// How sure it is.
    pub confidence: Confidence,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// The file of the act.
    pub path: String,
    /// The act.
    pub span: Span,
    /// The function that holds both ends, by its bare name.
    pub function: String,
    /// The entity that is raced for.
    pub entity: Option<String>,
    /// The other places, in the order in which they are read.
    pub labels: Vec<Label>,
    /// What happens at the act itself.
    pub act: String,
    /// The proof.
    pub schedule: Option<Schedule>,
    /// Facts the verdict rests on, each a sentence.
    pub notes: Vec<String>,
    /// Ways out, best first.
    pub help: Vec<Help>,
    /// Rule, entity, function and shape, hashed: the same finding after lines have moved.
    pub fingerprint: String,
}

impl Finding {
    /// The rule that speaks and those it also counts under.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.rule).chain(self.also.iter().copied())
    }

    /// Sorts findings into the order in which they are told: by path, offset, rule.
    pub fn sort(findings: &mut [Self]) {
        findings.sort_by(|a, b| {
            let key = |finding: &Self| (finding.span.start, finding.rule, finding.span.end);
            a.path.cmp(&b.path).then_with(|| key(a).cmp(&key(b))).then_with(|| a.fingerprint.cmp(&b.fingerprint))
        });
    }
}

/// What a run did, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Files in which findings were asked for.
    pub files: usize,
    /// Files read for the project as a whole.
    pub project_files: usize,
    /// Of the project's files, those that were parsed.
    pub parsed: usize,
    /// Files that should have been analysed and could not be.
    pub not_analysed: usize,
    /// Windows that were judged.
    pub windows: usize,
    /// Functions that were not followed to the end, because they and what they call are too large or too deep.
    pub cut_short: usize,
    /// Findings that a comment in the code allows.
    pub suppressed: usize,
}

/// Something that could not be read or used. Never silent, never fatal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file.
    pub path: String,
    /// The place in it, if there is one.
    pub span: Option<Span>,
    /// What is wrong and what follows from it.
    pub message: String,
}
