//! A client that never draws a 429.
//!
//! ```text
//! cargo run --release --example defender_client -- --help
//! cargo run --release --example defender_client
//! cargo run --release --example defender_client -- --policy "50/1m, 1500/1h; guard 1s" --calls 200
//! ```
//!
//! Many tasks share one limiter and call a local HTTP server. The server enforces the rule in its own way, and answers 429
//! with `Retry-After` to each call that exceeds it. Each module answers one question:
//!
//! | module | question |
//! |---|---|
//! | `args` | What did the user ask for? |
//! | `enforcement` | How do servers count, and what is the best that a client can do? |
//! | `server` | What does a server answer over HTTP? |
//! | `connection` | How is a server called? |
//! | `client` | How do tasks share a limiter, and what happens to them without one? |
//! | `table` | How is the result shown? |
//! | `error` | What went wrong? |

mod args;
mod client;
mod connection;
pub(crate) mod enforcement;
mod error;
mod server;
mod table;

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use tollgate::SlidingLog;

use args::{Args, Request};
use client::Fared;
use enforcement::{Kind, quickest};
use error::Error;

#[cfg_attr(test, allow(dead_code, reason = "tests call `run`"))]
fn main() -> ExitCode {
    ExitCode::from(run(std::env::args_os().skip(1), &mut io::stdout(), &mut io::stderr()))
}

/// The whole program: the arguments without its name, the two outputs, and the exit code. 1 means that a client with a
/// limiter drew a 429. 2 means that the program could not find out.
pub(crate) fn run(args: impl IntoIterator<Item = OsString>, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    match answer(args, out) {
        Ok(0) => 0,
        Ok(_) => 1,
        // The reader of the output has seen enough: `defender_client | head -1`.
        Err(Error::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => 0,
        Err(error) => {
            // Without a standard error there is only the exit code.
            let _ = writeln!(err, "defender_client: {error}");
            2
        }
    }
}

/// The number of 429s that clients with a limiter drew.
fn answer(args: impl IntoIterator<Item = OsString>, out: &mut dyn Write) -> Result<u64, Error> {
    let args = match args::parse(args)? {
        Request::Help(text) => return write!(out, "{text}").map(|()| 0).map_err(Error::Output),
        Request::Call(args) => args,
    };
    // Build the logs first, so that a policy which no log can keep is reported at once.
    let logs = args.kinds.iter().map(|&kind| Ok((kind, SlidingLog::new(args.policy)?)));
    let logs = logs.collect::<Result<Vec<_>, _>>().map_err(Error::Build)?;
    table::heading(out, &args).map_err(Error::Output)?;
    let rows = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(Error::Runtime)?
        .block_on(all(&args, logs))?;
    table::write(out, &rows, &args).map_err(Error::Output)?;
    Ok(rows.iter().map(|row| row.limited.refused).sum())
}

/// How the clients of one kind of server fared.
struct Row {
    kind: Kind,
    /// The least time in which the server would have served as many calls.
    best: Duration,
    limited: Fared,
    naive: Fared,
}

/// All clients run at the same time, because they mostly wait.
async fn all(args: &Args, logs: Vec<(Kind, SlidingLog)>) -> Result<Vec<Row>, Error> {
    let clients = logs.into_iter().map(|(kind, log)| {
        let limited = tokio::spawn(client::limited(kind, log, args.clone()));
        (kind, limited, tokio::spawn(client::naive(kind, args.clone())))
    });
    let clients: Vec<_> = clients.collect();
    let mut rows = Vec::new();
    for (kind, limited, naive) in clients {
        rows.push(Row {
            kind,
            best: quickest(kind, &args.enforced, args.calls),
            limited: limited.await.map_err(Error::Task)??,
            naive: naive.await.map_err(Error::Task)??,
        });
    }
    Ok(rows)
}
