//! Just enough of two servers' protocols: log in without a password through a local socket, run a text, read what comes
//! back. The clients there are for Rust would multiply the build of the tests, and hide which statement is sent when.

pub mod mysql;
pub mod postgres;

use std::io;

/// What a server answers to a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The rows of a query, as text.
    Rows(Vec<Vec<String>>),
    /// Anything else: the number of rows affected, and what the server calls it, if it does.
    Done { affected: usize, tag: String },
    /// An error, by the server's own code.
    Error { code: String, message: String },
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

/// Takes apart a message.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, length: usize) -> io::Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or_else(|| broken("a message ends too early"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> io::Result<u8> {
        Ok(self.take(1)?[0])
    }

    /// Text up to a zero.
    fn text(&mut self) -> io::Result<String> {
        let end = self.0.iter().position(|byte| *byte == 0).ok_or_else(|| broken("a text without an end"))?;
        let text = String::from_utf8_lossy(self.take(end)?).into_owned();
        self.byte()?;
        Ok(text)
    }
}
