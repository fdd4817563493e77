//! The program: see the library.

use std::io;
use std::process::ExitCode;

fn main() -> ExitCode {
    let (mut out, mut err) = (io::stdout().lock(), io::stderr());
    ExitCode::from(tollgate_lab::run(std::env::args_os().skip(1), &mut out, &mut err))
}
