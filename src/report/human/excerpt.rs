//! The lines of source that a finding shows.
//!
//! A check and its act may be 300 lines or a file apart, and lines may be of any length. So the lines to show are chosen
//! here, blocks of neighbouring lines, and copied into one text that miette draws: it asks for the block of a label and
//! gets it with the file's name and line numbers. Labels that lie in different blocks are never joined.
//!
//! What is copied is made fit to print: control characters become visible, and a long line is cut around its labels.

use std::collections::BTreeMap;

use miette::{LabeledSpan, MietteError, SourceCode, SourceSpan, SpanContents};

use super::prose::wrap;
use crate::source::Source;
use crate::text::Span;

/// A place to show.
pub(super) struct Mark<'a> {
    pub(super) path: &'a str,
    pub(super) span: Span,
    pub(super) message: &'a str,
    pub(super) primary: bool,
}

/// How wide things may be.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    pub(super) prose: usize,
    pub(super) source: usize,
}

/// Blocks of lines, in one text.
#[derive(Debug, Default)]
pub(super) struct Excerpt {
    text: String,
    blocks: Vec<Block>,
    /// The column (from 0) in its file of each label, by its offset in `text`.
    columns: BTreeMap<usize, usize>,
}

#[derive(Debug)]
struct Block {
    name: String,
    /// The block's place in the excerpt's text.
    start: usize,
    end: usize,
    /// Number (from 0) of its first line in the file.
    first: u32,
}

/// A mark on one line of one file, in bytes from the line's start.
struct Spot {
    line: u32,
    start: usize,
    end: usize,
    message: String,
    primary: bool,
}

impl Excerpt {
    /// Chooses and copies lines. The file of the primary mark comes first, then the others in the order of their marks.
    /// Marks in files that `source` does not know are left out.
    pub(super) fn new<'a>(
        marks: &[Mark<'_>],
        limits: Limits,
        source: impl Fn(&str) -> Option<(&'a Source, String)>,
    ) -> (Self, Vec<LabeledSpan>) {
        let mut excerpt = Self::default();
        let mut labels = Vec::new();
        let mut paths: Vec<&str> = Vec::new();
        for mark in marks {
            if !paths.contains(&mark.path) {
                paths.push(mark.path);
            }
        }
        for path in paths {
            let Some((source, name)) = source(path) else { continue };
            let spots = spots(marks.iter().filter(|mark| mark.path == path), source);
            for block in blocks(&spots, source) {
                excerpt.copy(source, &name, block, &spots, limits, &mut labels);
            }
        }
        (excerpt, labels)
    }

    /// Copies the lines from `first` to `last`.
    fn copy(
        &mut self,
        source: &Source,
        name: &str,
        (first, last): (u32, u32),
        spots: &[Spot],
        limits: Limits,
        labels: &mut Vec<LabeledSpan>,
    ) {
        let start = self.text.len();
        let gutter = (last + 1).to_string().len() + 4;
        for number in first..=last {
            let marked: Vec<&Spot> = spots.iter().filter(|spot| spot.line == number).collect();
            let line = Line::new(line_text(source, number), &marked, limits.source.saturating_sub(gutter));
            for spot in marked {
                let from = line.place(spot.start);
                let to = line.place(spot.end).max(from);
                let offset = self.text.len() + from;
                let room = limits.prose.saturating_sub(gutter + line.width(from, to) + 4).max(16);
                let message = wrap(&spot.message, room, room).join("\n");
                let label = Some(message).filter(|message| !message.is_empty());
                let span = SourceSpan::new(offset.into(), to - from);
                labels.push(if spot.primary {
                    LabeledSpan::new_primary_with_span(label, span)
                } else {
                    LabeledSpan::new_with_span(label, span)
                });
                let before = line_text(source, number).get(..spot.start).unwrap_or("");
                self.columns.insert(offset, before.chars().count());
            }
            self.text.push_str(&line.shown);
            self.text.push('\n');
        }
        self.blocks.push(Block { name: name.to_owned(), start, end: self.text.len(), first });
    }
}

impl SourceCode for Excerpt {
    /// Without context lines the question is where a label stands; with them, for the block around it.
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        _: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let (start, end) = (span.offset(), span.offset() + span.len());
        let block = self.blocks.iter().find(|block| block.start <= start && end < block.end);
        let block = block.ok_or(MietteError::OutOfBounds)?;
        let above = self.text.get(block.start..start).unwrap_or("").matches('\n').count();
        let first = block.first as usize;
        let (line, column) = match before {
            0 => (first + above, self.columns.get(&start).copied().unwrap_or(0)),
            _ => (first, 0),
        };
        let data = self.text.get(block.start..block.end).unwrap_or("");
        let span = (block.start, data.len()).into();
        Ok(Box::new(Contents { name: &block.name, data, span, line, column }))
    }
}

/// A block, as the answer for one of its labels.
struct Contents<'a> {
    name: &'a str,
    data: &'a str,
    span: SourceSpan,
    line: usize,
    column: usize,
}

impl<'a> SpanContents<'a> for Contents<'a> {
    fn data(&self) -> &'a [u8] {
        self.data.as_bytes()
    }

    fn span(&self) -> &SourceSpan {
        &self.span
    }

    fn name(&self) -> Option<&str> {
        Some(self.name)
    }

    fn line(&self) -> usize {
        self.line
    }

    fn column(&self) -> usize {
        self.column
    }

    fn line_count(&self) -> usize {
        self.data.matches('\n').count()
    }
}

/// The text of a line (from 0), without its end.
fn line_text(source: &Source, number: u32) -> &str {
    let start = source.lines().line_start(number) as usize;
    let line = source.text.get(start..).unwrap_or("").split('\n').next().unwrap_or("");
    line.strip_suffix('\r').unwrap_or(line)
}

/// The marks of one file as spots on single lines, in the order of the text. Of a longer span the first line is marked.
/// Spots that start together become one; a spot ends where the next one starts.
fn spots<'a>(marks: impl Iterator<Item = &'a Mark<'a>>, source: &Source) -> Vec<Spot> {
    let lines = source.lines();
    let mut spots: Vec<Spot> = marks
        .map(|mark| {
            let line = lines.line_of(mark.span.start);
            let line_start = lines.line_start(line);
            let text = line_text(source, line);
            let start = ((mark.span.start - line_start) as usize).min(text.len());
            let end = ((mark.span.end - line_start) as usize).clamp(start, text.trim_end().len().max(start));
            Spot { line, start, end, message: super::printable(mark.message), primary: mark.primary }
        })
        .collect();
    spots.sort_by_key(|spot| (spot.line, spot.start, !spot.primary));
    spots.dedup_by(|later, first| {
        let together = (later.line, later.start) == (first.line, first.start);
        if together {
            first.end = if first.primary { first.end } else { first.end.max(later.end) };
            if !first.message.is_empty() && !later.message.is_empty() && first.message != later.message {
                first.message.push_str("; ");
            }
            if first.message != later.message {
                first.message.push_str(&later.message);
            }
        }
        together
    });
    for index in 1..spots.len() {
        let (line, start) = (spots[index].line, spots[index].start);
        let before = &mut spots[index - 1];
        if before.line == line && before.end > start {
            let text = line_text(source, line).get(before.start..start).unwrap_or("");
            before.end = before.start + text.trim_end().len();
        }
    }
    spots
}

/// Gaps of this many lines are shown rather than left out.
const SMALL_GAP: u32 = 2;

/// First and last line of each block: the spots' lines, the lines beside them unless they are blank, and small gaps.
fn blocks(spots: &[Spot], source: &Source) -> Vec<(u32, u32)> {
    let blank = |line: u32| line_text(source, line).trim().is_empty();
    let end = source.lines().line_count() - 1;
    let mut blocks: Vec<(u32, u32)> = Vec::new();
    for spot in spots {
        let first = if spot.line > 0 && !blank(spot.line - 1) { spot.line - 1 } else { spot.line };
        let last = if spot.line < end && !blank(spot.line + 1) { spot.line + 1 } else { spot.line };
        match blocks.last_mut() {
            Some(block) if first <= block.1 + SMALL_GAP + 1 => block.1 = block.1.max(last),
            _ => blocks.push((first, last)),
        }
    }
    blocks
}

/// What marks the cut end of a line.
const CUT: &str = "...";
/// How much is kept before the first place on a line that is cut at its front.
const FRONT: usize = 8;
/// The room that a label should have.
const LABEL_ROOM: usize = 24;

/// A line, fit to print.
struct Line {
    shown: String,
    /// For each character, its offset in the file's line and in what is shown.
    places: Vec<(usize, usize)>,
    /// Where what is shown of the line ends.
    end: usize,
}

impl Line {
    fn new(text: &str, spots: &[&Spot], limit: usize) -> Self {
        let chars: Vec<(usize, char)> = text.char_indices().collect();
        let index = |at: usize| chars.partition_point(|(offset, _)| *offset < at);
        let (mut first, mut last) = (0, chars.len());
        let start = spots.iter().map(|spot| index(spot.start)).min().unwrap_or(0);
        let end = spots.iter().map(|spot| index(spot.end)).max().unwrap_or(0);
        // A label needs room to its right, so a place far to the right moves left even where the line itself fits.
        let far = end > limit.saturating_sub(LABEL_ROOM) && start > FRONT + CUT.len();
        if chars.len() > limit || far && end + LABEL_ROOM > limit + (end - start) / 2 {
            let room = limit.saturating_sub(2 * CUT.len()).max(8);
            first = if far { start - FRONT } else { 0 };
            last = (first + room).min(chars.len());
        }
        let mut line = Self { shown: String::new(), places: Vec::new(), end: 0 };
        if first > 0 {
            line.shown.push_str(CUT);
        }
        for (number, (offset, c)) in chars.iter().enumerate() {
            line.places.push((*offset, line.shown.len()));
            if number < first || number >= last {
                continue;
            }
            match c {
                '\t' => line.shown.push_str("  "),
                c if c.is_control() || steers_direction(*c) => line.shown.push('\u{fffd}'),
                c => line.shown.push(*c),
            }
        }
        line.end = line.shown.len();
        if last < chars.len() {
            line.shown.push_str(CUT);
        }
        line
    }

    /// Where an offset of the file's line is shown.
    fn place(&self, at: usize) -> usize {
        let index = self.places.partition_point(|(offset, _)| *offset < at);
        self.places.get(index).map_or(self.end, |(_, shown)| *shown)
    }

    /// The column at which the label for a stretch hangs.
    fn width(&self, from: usize, to: usize) -> usize {
        let count = |text: Option<&str>| text.map_or(0, |text| text.chars().count());
        count(self.shown.get(..from)) + count(self.shown.get(from..to)) / 2
    }
}

/// Characters that make a terminal show text in another order than it is read.
fn steers_direction(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
