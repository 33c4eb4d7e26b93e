//! A MariaDB server of the machine's own packages. It stands for InnoDB.

use std::path::Path;
use std::process::Stdio;

use toctou::interleave::{Code, Who};

use super::{Absent, Account, Process, connected, finish, program};
use crate::lanes::{Answer, Client, Command, Lanes, Seen, Server};
use crate::sql::Dialect;
use crate::tables::{ALL, Shape};
use crate::wire::Reply;
use crate::wire::mysql::MySql as Connection;

const USER: &str = "root";

/// Nothing has to outlive the test; no wait is to end by itself.
const SETTINGS: [&str; 9] = [
    "--skip-networking",
    "--skip-log-bin",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-flush-method=nosync",
    "--innodb-doublewrite=0",
    "--innodb-buffer-pool-size=64M",
    "--innodb-lock-wait-timeout=600",
    "--innodb-stats-persistent=0",
    "--innodb-autoinc-lock-mode=2",
];

/// The server.
pub struct MariaDb {
    lanes: Lanes,
    threads: [u32; 2],
    monitor: Connection,
    _process: Process,
}

impl MariaDb {
    pub fn start(snapshot_isolation: bool) -> Result<Self, Absent> {
        let install = "MariaDB is not installed (apt-get install mariadb-server)";
        let (setup, server) = program("mariadb-install-db").zip(program("mariadbd")).ok_or(install)?;
        let account = Account::of("mysql")?;
        let folder = account.folder().map_err(|error| error.to_string())?;
        let (data, socket) = (folder.path().join("data"), folder.path().join("socket"));
        let place = [format!("--datadir={}", data.display()), format!("--tmpdir={}", folder.path().display())];
        let mut init = account.command(&setup, folder.path());
        init.args(["--no-defaults", "--skip-test-db", "--auth-root-authentication-method=normal"]).args(&place);
        finish(init)?;

        let log = std::fs::File::create(folder.path().join("log")).map_err(|error| error.to_string())?;
        let mut command = account.command(&server, folder.path());
        command.arg("--no-defaults").args(&place).arg(format!("--socket={}", socket.display())).args(SETTINGS);
        command.arg(format!("--innodb-snapshot-isolation={}", if snapshot_isolation { "ON" } else { "OFF" }));
        let child = command.stderr(Stdio::from(log)).spawn().map_err(|error| error.to_string())?;
        let mut process = Process { child, folder };
        let connect = |socket: &Path, database: &str| Connection::connect(socket, USER, database);
        let mut monitor = connected(&mut process, || connect(&socket, "mysql"))?;
        expect(&mut monitor, "create database comparison");
        let mut monitor = connect(&socket, "comparison").map_err(|error| error.to_string())?;
        for shape in &ALL {
            expect(&mut monitor, &shape.create(Dialect::MySql));
        }
        // A table that others point at is emptied, too.
        expect(&mut monitor, "set foreign_key_checks = 0");
        let clients = [connect(&socket, "comparison"), connect(&socket, "comparison")];
        let clients = clients.map(|client| client.expect("a server that is up"));
        let threads = clients.each_ref().map(|client| client.thread);
        Ok(Self { lanes: Lanes::new(clients), threads, monitor, _process: process })
    }
}

impl Server for MariaDb {
    fn dialect(&self) -> Dialect {
        Dialect::MySql
    }

    fn reset(&mut self, tables: &[&str], inserts: &[String]) {
        // Deleted rows would linger until they are purged, and be locked meanwhile: a new table has none.
        for table in tables {
            expect(&mut self.monitor, &format!("truncate {table}"));
        }
        for insert in inserts {
            expect(&mut self.monitor, insert);
        }
    }

    fn start(&mut self, who: Who, command: Command) {
        self.lanes.start(who, command);
    }

    /// `information_schema.innodb_trx` tells who waits, but from a cache that is as old as a tenth of a second. The
    /// status is never old.
    fn settle(&mut self) -> [Option<Seen>; 2] {
        let (monitor, threads) = (&mut self.monitor, self.threads);
        self.lanes.settle(|who| {
            let status = expect(monitor, "show engine innodb status").concat().concat();
            let thread = format!("MariaDB thread id {},", threads[who.index()]);
            // What stands before the list of transactions tells of the latest deadlock.
            let mut transactions = status.split("---TRANSACTION ").skip(1);
            transactions.any(|one| one.contains(&thread) && one.contains("\nLOCK WAIT "))
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
            // A row that an upsert has changed counts twice.
            Ok(Reply::Done { affected, .. }) if sql.contains(" on duplicate key ") => Answer::Count(affected.min(1)),
            Ok(Reply::Done { affected, .. }) => Answer::Count(affected),
            Ok(Reply::Error { code, message }) => Answer::Failed(match &*code {
                "1062" => Code::Unique,
                "1213" => Code::InnoDeadlock,
                "1020" => Code::RecordChanged,
                _ => Code::own(format!("{code} {message}")),
            }),
            Err(error) => Answer::Failed(Code::own(error.to_string())),
        }
    }
}
