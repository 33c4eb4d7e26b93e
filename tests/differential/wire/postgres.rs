//! PostgreSQL's protocol, version 3: start-up without a password, and simple queries.
//! <https://www.postgresql.org/docs/15/protocol-message-formats.html>

use std::io::{self, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use super::{Cursor, Reply, broken};

/// A connection.
pub struct Postgres {
    stream: BufReader<UnixStream>,
    /// The server's process for it.
    pub pid: i32,
}

impl Postgres {
    pub fn connect(socket: &Path, user: &str) -> io::Result<Self> {
        let mut postgres = Self { stream: BufReader::new(UnixStream::connect(socket)?), pid: 0 };
        let mut hello = 0x0003_0000_i32.to_be_bytes().to_vec();
        for text in ["user", user, "database", "postgres"] {
            hello.extend(text.bytes().chain([0]));
        }
        hello.push(0);
        postgres.send(None, &hello)?;
        loop {
            let (kind, body) = postgres.receive()?;
            let mut body = Cursor(&body);
            match kind {
                b'K' => postgres.pid = int(&mut body)?,
                b'Z' => return Ok(postgres),
                b'E' => return Err(broken(&error(&mut body)?.1)),
                // Authentication is fine, or a setting is told.
                _ => {}
            }
        }
    }

    /// Runs a statement.
    pub fn run(&mut self, sql: &str) -> io::Result<Reply> {
        let body: Vec<u8> = sql.bytes().chain([0]).collect();
        self.send(Some(b'Q'), &body)?;
        let mut rows: Option<Vec<Vec<String>>> = None;
        let mut reply = Reply::Done { affected: 0, tag: String::new() };
        loop {
            let (kind, body) = self.receive()?;
            let mut body = Cursor(&body);
            match kind {
                b'T' => rows = Some(Vec::new()),
                b'D' => rows.get_or_insert_default().push(row(&mut body)?),
                b'C' => {
                    let tag = body.text()?;
                    let affected = tag.rsplit(' ').next().and_then(|count| count.parse().ok()).unwrap_or(0);
                    reply = rows.take().map_or(Reply::Done { affected, tag }, Reply::Rows);
                }
                b'E' => {
                    let (code, message) = error(&mut body)?;
                    reply = Reply::Error { code, message };
                }
                b'Z' => return Ok(reply),
                _ => {}
            }
        }
    }

    fn send(&mut self, kind: Option<u8>, body: &[u8]) -> io::Result<()> {
        let length = i32::try_from(body.len() + 4).map_err(|_| broken("a message is too long"))?;
        let mut message: Vec<u8> = kind.into_iter().collect();
        message.extend(length.to_be_bytes());
        message.extend(body);
        self.stream.get_mut().write_all(&message)
    }

    fn receive(&mut self) -> io::Result<(u8, Vec<u8>)> {
        let mut head = [0; 5];
        self.stream.read_exact(&mut head)?;
        let length = int(&mut Cursor(&head[1..]))?;
        let length = usize::try_from(length - 4).map_err(|_| broken("a message without a length"))?;
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok((head[0], body))
    }
}

fn int(body: &mut Cursor<'_>) -> io::Result<i32> {
    let bytes = body.take(4)?;
    Ok(i32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
}

fn row(body: &mut Cursor<'_>) -> io::Result<Vec<String>> {
    let columns = body.take(2)?;
    let columns = u16::from_be_bytes([columns[0], columns[1]]);
    let mut value = || {
        let length = int(body)?;
        // A negative length is NULL.
        let Ok(length) = usize::try_from(length) else { return Ok("NULL".to_owned()) };
        Ok(String::from_utf8_lossy(body.take(length)?).into_owned())
    };
    (0..columns).map(|_| value()).collect()
}

/// SQLSTATE and message.
fn error(body: &mut Cursor<'_>) -> io::Result<(String, String)> {
    let (mut code, mut message) = (String::new(), String::new());
    loop {
        match body.byte()? {
            0 => return Ok((code, message)),
            b'C' => code = body.text()?,
            b'M' => message = body.text()?,
            _ => {
                body.text()?;
            }
        }
    }
}
