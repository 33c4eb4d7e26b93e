//! Text in columns: wrapping, tables, emphasis.

/// Emphasis, if there is any.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paint {
    pub(super) color: bool,
}

impl Paint {
    /// A word that starts a paragraph.
    pub(super) fn strong(self, text: &str) -> String {
        if self.color { format!("\u{1b}[36m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

/// Words in lines: `first` columns of the first line are taken, the others are indented by `rest`.
pub(super) fn indented(text: &str, width: usize, first: usize, rest: usize) -> String {
    let lines = wrap(text, width.saturating_sub(first).max(20), width.saturating_sub(rest).max(20));
    lines.join(&format!("\n{}", " ".repeat(rest)))
}

/// Words in lines of at most `first` characters for the first one and `rest` for the others. A longer word is not broken.
pub(super) fn wrap(text: &str, first: usize, rest: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        let limit = if lines.len() == 1 { first } else { rest };
        if used > 0 && used + 1 + length > limit {
            lines.push(String::new());
            used = 0;
        }
        let Some(line) = lines.last_mut() else { continue };
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        line.push_str(word);
        used += length;
    }
    lines
}

/// `1 file`, `2 files`.
pub(super) fn plural(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// The widest an operation may be before its outcome moves to the next line.
const WIDEST_OP: usize = 48;

/// The steps of a schedule: session, operation, outcome, in columns.
pub(super) fn table(rows: &[(char, String, String)], width: usize) -> String {
    let length = |text: &str| text.chars().count();
    let column = rows.iter().map(|(_, op, _)| length(op)).filter(|length| *length <= WIDEST_OP).max().unwrap_or(0);
    let mut out = String::new();
    for (session, op, outcome) in rows {
        out.push_str(&format!("     {session}  {op}"));
        let indent = 8 + column + 3;
        if length(op) > column {
            out.push_str(&format!("\n{}", " ".repeat(indent)));
        } else {
            out.push_str(&" ".repeat(column - length(op) + 3));
        }
        out.push_str(&format!("-> {}\n", indented(outcome, width, indent + 3, indent + 3)));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{indented, plural, table};

    #[test]
    fn words_are_wrapped_between_indents() {
        assert_eq!(indented("one two three four five six", 24, 4, 2), "one two three four\n  five six");
        assert_eq!(plural(1, "file"), "1 file");
        assert_eq!(plural(0, "file"), "0 files");
    }

    #[test]
    fn a_long_operation_has_its_outcome_below() {
        let rows = [('A', "read".to_owned(), "none".to_owned()), ('B', "x".repeat(60), "1 row".to_owned())];
        let lines = ["     A  read   -> none", &format!("     B  {}", "x".repeat(60)), "               -> 1 row"];
        assert_eq!(table(&rows, 80), lines.join("\n") + "\n");
    }
}
