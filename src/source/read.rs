//! Bytes to text, or a problem that says why not.

use std::fs;
use std::path::Path;

use super::SIZE_CAP;
use crate::finding::Problem;

/// Reads a file as text. `path` is its name in the problem.
///
/// # Errors
///
/// When it cannot be read, is no regular file, is too large or is not UTF-8.
pub fn read_text(file: &Path, path: &str) -> Result<String, Problem> {
    let problem = |message: String| Problem { path: path.to_owned(), span: None, message };
    let metadata = fs::metadata(file).map_err(|error| problem(format!("cannot be read: {}", reason(&error))))?;
    if !metadata.is_file() {
        return Err(problem("not a regular file, so it was not read".to_owned()));
    }
    if metadata.len() > SIZE_CAP {
        let size = metadata.len().div_ceil(1024 * 1024);
        let cap = SIZE_CAP / (1024 * 1024);
        return Err(problem(format!("larger than {cap} MiB ({size} MiB), so it was not read")));
    }
    let bytes = fs::read(file).map_err(|error| problem(format!("cannot be read: {}", reason(&error))))?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        problem(format!("not valid UTF-8 (at byte {at}), so it was not read"))
    })
}

/// An error of the operating system, without its number.
#[must_use]
pub fn reason(error: &std::io::Error) -> String {
    // An error that was wrapped on the way names the path again.
    let words = if error.raw_os_error().is_none() { error.kind().to_string() } else { error.to_string() };
    let words = words.split(" (os error").next().unwrap_or(&words);
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}
