//! The protocol of MySQL and MariaDB: log in without a password, and queries as text.
//! <https://mariadb.com/kb/en/clientserver-protocol/>

use std::io::{self, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use super::{Cursor, Reply, broken};

const FOUND_ROWS: u32 = 1 << 1;
const CONNECT_WITH_DB: u32 = 1 << 3;
const PROTOCOL_41: u32 = 1 << 9;
const TRANSACTIONS: u32 = 1 << 13;
const SECURE_CONNECTION: u32 = 1 << 15;
const PLUGIN_AUTH: u32 = 1 << 19;

/// `utf8mb4_general_ci`
const CHARACTERS: u8 = 45;

/// First bytes of answers.
const OK: u8 = 0x00;
const END: u8 = 0xfe;
const ERROR: u8 = 0xff;
const NULL: u8 = 0xfb;

/// A connection. An `UPDATE` counts the rows it has matched, as most drivers ask for.
pub struct MySql {
    stream: BufReader<UnixStream>,
    sequence: u8,
    /// The server's thread for it.
    pub thread: u32,
}

impl MySql {
    pub fn connect(socket: &Path, user: &str, database: &str) -> io::Result<Self> {
        let mut mysql = Self { stream: BufReader::new(UnixStream::connect(socket)?), sequence: 0, thread: 0 };
        let greeting = mysql.receive()?;
        let mut greeting = Cursor(&greeting);
        if greeting.byte()? == ERROR {
            return Err(broken("the server does not want to talk"));
        }
        let _version = greeting.text()?;
        let thread = greeting.take(4)?;
        mysql.thread = u32::from_le_bytes([thread[0], thread[1], thread[2], thread[3]]);

        let abilities = FOUND_ROWS | CONNECT_WITH_DB | PROTOCOL_41 | TRANSACTIONS | SECURE_CONNECTION | PLUGIN_AUTH;
        let mut hello = abilities.to_le_bytes().to_vec();
        hello.extend(0x00ff_ffff_u32.to_le_bytes());
        hello.push(CHARACTERS);
        hello.extend([0; 23]);
        hello.extend(user.bytes().chain([0]));
        // The proof of an empty password is empty.
        hello.push(0);
        hello.extend(database.bytes().chain([0]));
        hello.extend(b"mysql_native_password\0");
        mysql.send(&hello)?;
        match mysql.receive()?.first() {
            Some(&OK) => Ok(mysql),
            _ => Err(broken("the server does not let us in")),
        }
    }

    /// Runs a statement.
    pub fn run(&mut self, sql: &str) -> io::Result<Reply> {
        self.sequence = 0;
        let query: Vec<u8> = [0x03].into_iter().chain(sql.bytes()).collect();
        self.send(&query)?;
        let head = self.receive()?;
        let mut body = Cursor(&head);
        match body.byte()? {
            OK => {
                let affected = number(&mut body)?.unwrap_or(0);
                Ok(Reply::Done { affected, tag: String::new() })
            }
            ERROR => error(&mut body),
            _ => self.rows(),
        }
    }

    /// The rest of a result, behind the number of its columns.
    fn rows(&mut self) -> io::Result<Reply> {
        let is_end = |packet: &[u8]| packet.first() == Some(&END) && packet.len() < 9;
        while !is_end(&self.receive()?) {}
        let mut rows = Vec::new();
        loop {
            let packet = self.receive()?;
            let mut body = Cursor(&packet);
            if is_end(&packet) {
                return Ok(Reply::Rows(rows));
            }
            if packet.first() == Some(&ERROR) {
                body.byte()?;
                return error(&mut body);
            }
            let mut row = Vec::new();
            while !body.0.is_empty() {
                row.push(match number(&mut body)? {
                    Some(length) => String::from_utf8_lossy(body.take(length)?).into_owned(),
                    None => "NULL".to_owned(),
                });
            }
            rows.push(row);
        }
    }

    fn send(&mut self, body: &[u8]) -> io::Result<()> {
        let length = u32::try_from(body.len()).map_err(|_| broken("a message is too long"))?;
        let mut message = length.to_le_bytes()[..3].to_vec();
        message.push(self.sequence);
        message.extend(body);
        self.stream.get_mut().write_all(&message)
    }

    fn receive(&mut self) -> io::Result<Vec<u8>> {
        let mut head = [0; 4];
        self.stream.read_exact(&mut head)?;
        self.sequence = head[3].wrapping_add(1);
        let mut body = vec![0; u32::from_le_bytes([head[0], head[1], head[2], 0]) as usize];
        self.stream.read_exact(&mut body)?;
        Ok(body)
    }
}

/// A number of one to nine bytes; `None` stands for NULL.
fn number(body: &mut Cursor<'_>) -> io::Result<Option<usize>> {
    let bytes = match body.byte()? {
        NULL => return Ok(None),
        0xfc => 2,
        0xfd => 3,
        0xfe => 8,
        small => return Ok(Some(usize::from(small))),
    };
    let bytes = body.take(bytes)?.iter().rev();
    Ok(Some(bytes.fold(0, |number, byte| number << 8 | usize::from(*byte))))
}

fn error(body: &mut Cursor<'_>) -> io::Result<Reply> {
    let code = body.take(2)?;
    let code = u16::from_le_bytes([code[0], code[1]]).to_string();
    // `#`, the five characters of SQLSTATE, and the message.
    let message = String::from_utf8_lossy(body.0.get(6..).unwrap_or_default()).into_owned();
    Ok(Reply::Error { code, message })
}
