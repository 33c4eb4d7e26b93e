//! Two sessions of a server, each in a thread of its own, so that one may wait while the other goes on.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use toctou::interleave::{Code, Who};

use crate::sql::Dialect;

/// What a session is told to run: one step of its program.
#[derive(Clone, Debug, Default)]
pub struct Command {
    /// What goes before it, such as `BEGIN`.
    pub before: Vec<String>,
    pub sql: String,
    /// What follows if it goes well.
    pub after: Option<&'static str>,
    /// What follows if it fails.
    pub after_error: Option<&'static str>,
}

/// What came of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Rows(Vec<Vec<String>>),
    Count(usize),
    /// Nothing to tell.
    Done,
    /// A commit that rolled back.
    RolledBack,
    Failed(Code),
}

/// What a session that has been told something is seen to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    Waits,
    Answered(Answer),
}

/// A server with two sessions, and a third connection to look at it.
pub trait Server {
    fn dialect(&self) -> Dialect;

    /// Empties the tables, and fills them.
    fn reset(&mut self, tables: &[&str], inserts: &[String]);

    /// Lets a session run something.
    fn start(&mut self, who: Who, command: Command);

    /// Waits until nothing moves any more: what each session has been seen to do, if it had something to do.
    fn settle(&mut self) -> [Option<Seen>; 2];

    /// The rows of a table, sorted.
    fn rows(&mut self, table: &str) -> Vec<Vec<String>>;
}

/// One session's connection.
pub trait Client {
    fn run(&mut self, sql: &str) -> Answer;
}

/// No statement of the comparison takes nearly as long, unless the server hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long to wait for an answer before looking whether the session waits.
const GLANCE: Duration = Duration::from_millis(1);

/// The threads.
pub struct Lanes {
    commands: [Sender<Command>; 2],
    answers: Receiver<(Who, Answer)>,
    running: [bool; 2],
}

impl Lanes {
    pub fn new<C: Client + Send + 'static>(clients: [C; 2]) -> Self {
        let (answered, answers) = channel();
        let mut who = Who::BOTH.into_iter();
        let commands = clients.map(|mut client| {
            let who = who.next().expect("as many sessions as clients");
            let answered = answered.clone();
            let (commands, todo) = channel::<Command>();
            thread::spawn(move || {
                for command in todo {
                    // Nobody listens any more if the test is over.
                    let _ = answered.send((who, run(&mut client, &command)));
                }
            });
            commands
        });
        Self { commands, answers, running: [false; 2] }
    }

    pub fn start(&mut self, who: Who, command: Command) {
        assert!(!self.running[who.index()], "{who} is told something while it runs");
        self.running[who.index()] = true;
        self.commands[who.index()].send(command).expect("a session's thread lives as long as its server");
    }

    pub fn is_running(&self, who: Who) -> bool {
        self.running[who.index()]
    }

    /// The next answer there is, if one comes soon.
    pub fn answer(&mut self, soon: Duration) -> Option<(Who, Answer)> {
        match self.answers.recv_timeout(soon) {
            Ok((who, answer)) => {
                self.running[who.index()] = false;
                Some((who, answer))
            }
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => panic!("both sessions are gone"),
        }
    }

    /// [`Server::settle`], for servers that can be asked whether a session waits for a lock.
    ///
    /// While both run, one will answer: either it can, or they wait for each other, and the server ends that.
    pub fn settle(&mut self, mut waits: impl FnMut(Who) -> bool) -> [Option<Seen>; 2] {
        let mut seen = [None, None];
        let start = Instant::now();
        loop {
            while let Some((who, answer)) = self.answer(GLANCE) {
                seen[who.index()] = Some(Seen::Answered(answer));
            }
            match Who::BOTH.map(|who| self.is_running(who)) {
                [false, false] => return seen,
                [true, true] => {}
                [first, _] => {
                    let who = if first { Who::A } else { Who::B };
                    if waits(who) {
                        seen[who.index()] = Some(Seen::Waits);
                        return seen;
                    }
                }
            }
            assert!(start.elapsed() < PATIENCE, "the server neither answers nor says who waits");
        }
    }
}

fn run(client: &mut impl Client, command: &Command) -> Answer {
    let before = command.before.iter().map(|sql| client.run(sql)).find(|answer| matches!(answer, Answer::Failed(_)));
    let answer = before.unwrap_or_else(|| client.run(&command.sql));
    let then = if matches!(answer, Answer::Failed(_)) { command.after_error } else { command.after };
    if let Some(sql) = then {
        client.run(sql);
    }
    answer
}
