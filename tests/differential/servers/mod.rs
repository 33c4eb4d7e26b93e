//! Starts the servers, each in a temporary folder and on a local socket in it, and stops them.

pub mod mariadb;
pub mod postgres;
pub mod sqlite;

use std::io;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Why a server cannot be compared with, and what to do about it.
pub type Absent = String;

/// How long a server may take to come up.
const START: Duration = Duration::from_secs(60);

/// A running server. It ends with this value.
struct Process {
    child: Child,
    folder: TempDir,
}

impl Drop for Process {
    fn drop(&mut self) {
        // Nothing in it is worth an orderly end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Who runs a server: servers refuse to be run by root, or should.
#[derive(Clone, Copy)]
struct Account {
    ids: Option<(u32, u32)>,
}

impl Account {
    /// We ourselves; for root the account that the server's package has made.
    fn of(name: &str) -> Result<Self, Absent> {
        let root = std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
        if !root {
            return Ok(Self { ids: None });
        }
        let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        let ids = accounts.lines().find_map(|line| {
            let mut fields = line.split(':');
            let found = fields.next() == Some(name);
            let mut number = |skip: usize| fields.nth(skip)?.parse().ok();
            found.then_some(())?;
            Some((number(1)?, number(0)?))
        });
        let ids = ids.ok_or_else(|| format!("root cannot run it, and there is no account `{name}`"))?;
        Ok(Self { ids: Some(ids) })
    }

    /// A folder of its own.
    fn folder(self) -> io::Result<TempDir> {
        let folder = tempfile::Builder::new().prefix("toctou-").tempdir()?;
        if let Some((user, group)) = self.ids {
            chown(folder.path(), Some(user), Some(group))?;
        }
        Ok(folder)
    }

    /// A program run by it, in a folder.
    fn command(self, program: &Path, folder: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null());
        if let Some((user, group)) = self.ids {
            command.uid(user).gid(group);
        }
        command
    }
}

/// A program of the search path, or of the folders where Debian hides it from users.
fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).chain(["/usr/sbin".into()]).collect();
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    folders.extend(versions.map(|version| version.path().join("bin")));
    folders.into_iter().map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// Runs a program to its end.
fn finish(mut command: Command) -> Result<(), Absent> {
    let shown = format!("{:?}", command.get_program());
    let output = command.stderr(Stdio::piped()).output().map_err(|error| format!("{shown}: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(()) } else { Err(format!("{shown} failed: {}", said.trim())) }
}

/// Connects as soon as the server is up.
fn connected<T>(process: &mut Process, mut connect: impl FnMut() -> io::Result<T>) -> Result<T, Absent> {
    let start = Instant::now();
    loop {
        let error = match connect() {
            Ok(connection) => return Ok(connection),
            Err(error) => error,
        };
        let ended = process.child.try_wait().map_err(|error| error.to_string())?;
        let log = || std::fs::read_to_string(process.folder.path().join("log")).unwrap_or_default();
        if let Some(status) = ended {
            return Err(format!("the server has ended at once, {status}: {}", log()));
        }
        if start.elapsed() > START {
            return Err(format!("the server does not come up: {error}: {}", log()));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
