//! A PostgreSQL server of the machine's own packages.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use toctou::interleave::{Code, Who};

use super::{Absent, Account, Process, connected, finish, program};
use crate::lanes::{Answer, Client, Command, Lanes, Seen, Server};
use crate::sql::Dialect;
use crate::tables::{ALL, Shape};
use crate::wire::Reply;
use crate::wire::postgres::Postgres as Connection;

const USER: &str = "toctou";

/// Nothing has to outlive the test; waits for each other are to end soon; nothing else is to write.
const SETTINGS: [&str; 9] = [
    "listen_addresses=",
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "autovacuum=off",
    "deadlock_timeout=5ms",
    "max_connections=20",
    "shared_buffers=32MB",
    "jit=off",
];

/// The server.
pub struct Postgres {
    lanes: Lanes,
    pids: [i32; 2],
    monitor: Connection,
    _process: Process,
}

impl Postgres {
    pub fn start() -> Result<Self, Absent> {
        let install = "PostgreSQL is not installed (apt-get install postgresql)";
        let (initdb, server) = program("initdb").zip(program("postgres")).ok_or(install)?;
        let account = Account::of("postgres")?;
        let folder = account.folder().map_err(|error| error.to_string())?;
        let data = folder.path().join("data");
        let mut init = account.command(&initdb, folder.path());
        init.args(["--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C", "--username", USER]).arg(&data);
        finish(init)?;

        let log = std::fs::File::create(folder.path().join("log")).map_err(|error| error.to_string())?;
        let mut command = account.command(&server, folder.path());
        command.arg("-D").arg(&data).arg("-k").arg(folder.path()).stderr(Stdio::from(log));
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        let child = command.spawn().map_err(|error| error.to_string())?;
        let mut process = Process { child, folder };
        let socket: PathBuf = process.folder.path().join(".s.PGSQL.5432");
        let connect = |socket: &Path| Connection::connect(socket, USER);
        let mut monitor = connected(&mut process, || connect(&socket))?;
        for shape in &ALL {
            expect(&mut monitor, &shape.create(Dialect::Postgres));
        }
        let clients = [connect(&socket), connect(&socket)].map(|client| client.expect("a server that is up"));
        let pids = clients.each_ref().map(|client| client.pid);
        Ok(Self { lanes: Lanes::new(clients), pids, monitor, _process: process })
    }
}

impl Server for Postgres {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn reset(&mut self, tables: &[&str], inserts: &[String]) {
        expect(&mut self.monitor, &format!("truncate {} cascade", tables.join(", ")));
        for insert in inserts {
            expect(&mut self.monitor, insert);
        }
    }

    fn start(&mut self, who: Who, command: Command) {
        self.lanes.start(who, command);
    }

    fn settle(&mut self) -> [Option<Seen>; 2] {
        let (monitor, pids) = (&mut self.monitor, self.pids);
        self.lanes.settle(|who| {
            let blockers = format!("select cardinality(pg_blocking_pids({}))", pids[who.index()]);
            expect(monitor, &blockers) != [["0"]]
        })
    }

    fn rows(&mut self, table: &str) -> Vec<Vec<String>> {
        let columns = Shape::named(table).columns.join(", ");
        let mut rows = expect(&mut self.monitor, &format!("select {columns} from {table}"));
        rows.sort();
        rows
    }
}

/// Runs what cannot fail.
fn expect(connection: &mut Connection, sql: &str) -> Vec<Vec<String>> {
    match connection.run(sql).expect("a server that answers") {
        Reply::Rows(rows) => rows,
        Reply::Done { .. } => Vec::new(),
        Reply::Error { code, message } => panic!("{sql}: {code} {message}"),
    }
}

impl Client for Connection {
    fn run(&mut self, sql: &str) -> Answer {
        match Connection::run(self, sql) {
            Ok(Reply::Rows(rows)) => Answer::Rows(rows),
            Ok(Reply::Done { tag, .. }) if sql == "commit" && tag == "ROLLBACK" => Answer::RolledBack,
            Ok(Reply::Done { affected, .. }) => Answer::Count(affected),
            Ok(Reply::Error { code, message }) => Answer::Failed(match &*code {
                "23505" => Code::Unique,
                "40001" if sql == "commit" => Code::SerializationAtCommit,
                "40001" => Code::Serialization,
                "40P01" => Code::Deadlock,
                "25P02" => Code::TransactionFailed,
                _ => Code::own(format!("{code} {message}")),
            }),
            Err(error) => Answer::Failed(Code::own(error.to_string())),
        }
    }
}
