//! The grammar of the comments.

use super::{Allow, Fault, Scope, Suppressions};
use crate::ir::Comment;
use crate::source::Source;
use crate::suggest::closest;
use crate::text::Span;

const SHAPE: &str = "write `toctou: allow(rule) -- reason`";

/// Words by which people try to allow something. A comment that starts with another word after `toctou:` is prose.
const ATTEMPTS: [&str; 8] = ["allow", "ignore", "disable", "suppress", "skip", "expect", "off", "noqa"];

/// Reads the comments of a file. `rules` are the names of all rules.
#[must_use]
pub fn read(source: &Source, comments: &[Comment], rules: &[&'static str]) -> Suppressions {
    let mut found = Suppressions { path: source.path.clone(), ..Suppressions::default() };
    for comment in comments {
        let text = comment.span.slice(&source.text);
        if text.len() < "toctou:".len() || !text.to_ascii_lowercase().contains("toctou:") {
            continue;
        }
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            let marks = line.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '/' | '*' | '!' | '{'));
            let at = comment.span.start + offset(start + line.len() - marks.len());
            let words = marks.trim_end();
            let words = words.strip_suffix("*/").map_or(words, str::trim_end);
            if let Some(rest) = after_mark(words) {
                let directive = Directive { source, comment, at, text: words, rest, rules };
                directive.read(&mut found);
            }
            start += line.len();
        }
    }
    found
}

/// What follows `toctou:`, in whatever case it is written.
fn after_mark(line: &str) -> Option<&str> {
    let (mark, rest) = line.split_once(':')?;
    mark.trim_end().eq_ignore_ascii_case("toctou").then(|| rest.trim_start())
}

/// One line of a comment that starts with `toctou:`.
struct Directive<'a> {
    source: &'a Source,
    comment: &'a Comment,
    /// Where the line starts.
    at: u32,
    text: &'a str,
    /// What follows the mark.
    rest: &'a str,
    rules: &'a [&'static str],
}

impl Directive<'_> {
    fn read(&self, found: &mut Suppressions) {
        let word = self.rest.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or("").to_lowercase();
        if !ATTEMPTS.contains(&word.as_str()) {
            return;
        }
        if !self.text.starts_with("toctou") {
            return found
                .faults
                .push(self.fault("this comment allows nothing: `toctou:` is written in lower case", SHAPE));
        }
        let (scope, list) = if let Some(list) = self.rest.strip_prefix("allow-file") {
            (Scope::File, list)
        } else if let Some(list) = self.rest.strip_prefix("allow") {
            (self.lines(), list)
        } else {
            let message = format!("this comment allows nothing: `{word}` is not understood");
            return found.faults.push(self.fault(&message, SHAPE));
        };
        let Some((names, reason)) = list.trim_start().strip_prefix('(').and_then(|list| list.split_once(')')) else {
            let message = "this comment allows nothing: the rules it allows stand in parentheses";
            return found.faults.push(self.fault(message, SHAPE));
        };
        if names.trim().is_empty() {
            return found.faults.push(self.fault("this comment allows nothing: it names no rule", SHAPE));
        }
        let before = found.allows.len();
        for name in names.split(',') {
            self.name(name, scope, found);
        }
        if found.allows.len() > before && !has_reason(reason) {
            let message = "this comment allows a finding and gives no reason";
            let help = "say behind `--` why it is harmless here: `-- only the nightly job writes this`";
            found.faults.push(self.fault(message, help));
        }
    }

    fn name(&self, written: &str, scope: Scope, found: &mut Suppressions) {
        let name = written.trim();
        let span = self.span_of(name);
        let Some(rule) = self.rules.iter().copied().find(|rule| *rule == name) else {
            let help = match closest(name, self.rules.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "`toctou rules` lists the rules".to_owned(),
            };
            let message = match name {
                "" => "an empty name among the allowed rules".to_owned(),
                "all" | "*" => "this comment allows nothing: each rule is allowed by its name".to_owned(),
                name => format!("there is no rule `{name}`, so it is not allowed here"),
            };
            return found.faults.push(Fault { span, message, help });
        };
        if rule == crate::rules::UNUSED_SUPPRESSION || rule == crate::rules::UNEXPLAINED_SUPPRESSION {
            let message = format!("`{rule}` is about these comments and cannot be allowed by one");
            let help = format!("turn it off in `toctou.toml`: `[rules]`, `{rule} = \"off\"`");
            return found.faults.push(Fault { span, message, help });
        }
        found.allows.push(Allow { rule, scope, span, used: false });
    }

    /// The lines that the comment speaks for: its own behind code; else the next one with code, and its own last one if
    /// code follows there.
    fn lines(&self) -> Scope {
        let source = self.source;
        let lines = source.lines();
        let end = self.comment.span.end;
        let last = lines.line_of(end.saturating_sub(1).max(self.comment.span.start));
        let behind = source.text.get(end as usize..).unwrap_or("");
        let same = behind.split('\n').next().unwrap_or("").trim();
        let first = lines.line_of(self.comment.span.start);
        let before = Span::new(lines.line_start(first), self.comment.span.start).slice(&source.text).trim();
        // In markup a comment stands in braces of its own: `{/* … */}`.
        let in_braces = before == "{" && same == "}";
        if !self.comment.own_line && !in_braces {
            return Scope::Lines(first, first);
        }
        if !same.is_empty() && !in_braces && !starts_comment(same) {
            return Scope::Lines(last, last);
        }
        let next = behind.split('\n').skip(1).take(NEAR);
        let mut inside = false;
        let mut line = last;
        for text in next {
            line += 1;
            let text = text.trim();
            let comment = inside || text.is_empty() || starts_comment(text);
            inside = (inside || text.starts_with("/*")) && !text.contains("*/");
            if !comment {
                break;
            }
        }
        Scope::Lines(line, line)
    }

    fn fault(&self, message: &str, help: &str) -> Fault {
        let span = Span::new(self.at, self.at + offset(self.text.len()));
        Fault { span, message: message.to_owned(), help: help.to_owned() }
    }

    /// The place of a piece of this line.
    fn span_of(&self, piece: &str) -> Span {
        let start = piece.as_ptr() as usize - self.text.as_ptr() as usize;
        Span::new(self.at + offset(start), self.at + offset(start + piece.len()))
    }
}

/// How many lines of further comments may stand between a comment and its code.
const NEAR: usize = 20;

fn starts_comment(text: &str) -> bool {
    text.starts_with("//") || text.starts_with("/*")
}

/// Whether a reason follows: two hyphens, or the dash that some editors make of them, and words.
fn has_reason(text: &str) -> bool {
    let text = text.trim_start();
    let reason = ["--", "—", "–"].iter().find_map(|dash| text.strip_prefix(dash));
    reason.is_some_and(|reason| reason.chars().any(char::is_alphanumeric))
}

fn offset(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
