//! `toctou dump`.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::args::DumpWhat;
use super::project::{Project, Settings};
use super::{CLEAN, Environment, Failure, heard};
use crate::config::Flags;
use crate::engine::Dump;

pub(super) fn run(what: DumpWhat, file: &Path, environment: &Environment, out: &mut dyn Write) -> Result<u8, Failure> {
    let what = match what {
        DumpWhat::Ir => Dump::Ir,
        DumpWhat::Windows => Dump::Windows,
        DumpWhat::Schema => Dump::Schema,
    };
    let flags = Flags { include_tests: true, ..Flags::default() };
    let paths: [PathBuf; 1] = [file.to_path_buf()];
    let project = Project::open(&paths, Settings::Nearest, &flags, environment)?;
    let path = project.named.first().map_or("", String::as_str);
    let Some(text) = project.workspace.dump(what, path) else {
        let why = project.problems.iter().find(|problem| problem.path == path).map(|problem| problem.message.as_str());
        let why = why.unwrap_or("there is nothing to show");
        return Err(Failure(format!("`{}`: {why}", file.display())));
    };
    heard(writeln!(out, "{}", text.trim_end()))?;
    Ok(CLEAN)
}
