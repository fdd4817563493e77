//! A client of reqwest that draws no 429, whatever number of tasks share it.
//!
//! ```text
//! cargo run --release --example reqwest_client                                # it starts a server for itself
//! cargo run --release --example reqwest_client -- http://localhost:3000/ 100 "50/minute, 1500/hour"
//! ```
//!
//! The arguments are the address, the number of calls, and the policy that the server enforces. Twenty tasks share one
//! client. Its layer lets each call wait for its turn, and heeds what the server says.
//!
//! | `client` | how does a client keep a limit |
//! | `server` | how does a server count |

mod client;
mod server;

use std::error::Error;
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use reqwest::Url;
use tollgate::Policy;

use client::Fared;

const TASKS: usize = 20;

#[cfg_attr(test, allow(dead_code, reason = "tests call `run`"))]
fn main() -> ExitCode {
    ExitCode::from(run(std::env::args_os().skip(1), &mut io::stdout(), &mut io::stderr()))
}

/// The whole program: the arguments without its name, the two outputs, the exit code. 1 means that a call was answered
/// 429, 2 that the program could not find out.
pub(crate) fn run(args: impl IntoIterator<Item = OsString>, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    match answer(args, out) {
        Ok(0) => 0,
        Ok(_) => 1,
        Err(error) => {
            // Without a standard error there is only the exit code.
            let _ = writeln!(err, "reqwest_client: {error}");
            2
        }
    }
}

struct Args {
    /// `None` for a server of its own.
    address: Option<Url>,
    calls: u32,
    policy: Policy,
}

fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Args, Box<dyn Error>> {
    let args: Vec<String> = args.into_iter().map(|arg| arg.to_string_lossy().into_owned()).collect();
    let mut args = args.iter().map(String::as_str);
    let address = match args.next() {
        Some(text) => Some(text.parse().map_err(|error| format!("bad address {text:?}: {error}"))?),
        None => None,
    };
    let text = args.next().unwrap_or("60");
    let calls = match text.parse() {
        Ok(calls) if (1..=1_000_000).contains(&calls) => calls,
        _ => return Err(format!("expected a number of calls from 1 to 1000000, not {text:?}").into()),
    };
    let text = args.next().unwrap_or("20/1s");
    let policy = text.parse().map_err(|error| format!("bad policy {text:?}: {error}"))?;
    match args.next() {
        Some(text) => Err(format!("unexpected argument {text:?}").into()),
        None => Ok(Args { address, calls, policy }),
    }
}

/// How many calls were answered 429.
fn answer(args: impl IntoIterator<Item = OsString>, out: &mut dyn Write) -> Result<u32, Box<dyn Error>> {
    let Args { address, calls, policy } = parse(args)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let (address, fared) = runtime.block_on(async {
        let address = match address {
            Some(address) => address,
            None => server::start().await?,
        };
        let fared = client::call(&address, calls, &policy).await?;
        Ok::<_, Box<dyn Error>>((address, fared))
    })?;
    let Fared { served, refused, took } = fared;
    writeln!(out, "{TASKS} tasks, {calls} calls to {address}, at most {policy}")?;
    writeln!(out, "served: {served}")?;
    writeln!(out, "answers 429: {refused}")?;
    writeln!(out, "seconds: {:.1}", took.as_secs_f64())?;
    Ok(refused)
}
