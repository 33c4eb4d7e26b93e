//! The `toctou` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    let environment = toctou::cli::Environment::of_process();
    let (out, err) = (std::io::stdout(), std::io::stderr());
    ExitCode::from(toctou::cli::run(std::env::args_os(), &environment, &mut out.lock(), &mut err.lock()))
}
