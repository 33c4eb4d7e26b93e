//! The `toctou` binary.

use std::io::{BufWriter, stderr, stdout};
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let environment = toctou::cli::Environment::of_process();
    let mut out = BufWriter::new(stdout().lock());
    ExitCode::from(toctou::cli::run(std::env::args_os(), &environment, &mut out, &mut stderr()))
}
