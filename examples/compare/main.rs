//! Which rate limiter should I use for my traffic?
//!
//! ```text
//! cargo run --release --example compare -- --help
//! cargo run --release --example compare -- bursty
//! cargo run --release --example compare -- --trace requests.csv --policy "50/1m, 1500/1h" --plot requests.svg
//! ```
//!
//! Each module answers one question:
//!
//! | `args` | what was asked for |
//! | `trace` | what does a file of requests say |
//! | `workload` | what does made-up traffic look like |
//! | `traffic` | what is replayed |
//! | `strategy` | through what |
//! | `replay`, `window` | how does one strategy do |
//! | `waiting`, `waits` | and if a refused client waits |
//! | `report` | what came out |
//! | `table`, `json`, `decisions`, `plot` | how is it shown |
//! | `progress`, `error` | how far are we, and what went wrong |

mod args;
mod decisions;
mod error;
mod json;
mod plot;
pub(crate) mod progress;
pub(crate) mod replay;
mod report;
pub(crate) mod strategy;
mod table;
pub(crate) mod trace;
pub(crate) mod traffic;
pub(crate) mod waiting;
pub(crate) mod waits;
mod window;
pub(crate) mod workload;

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

use args::{Args, Format, Request, Source};
use error::Error;
use progress::Progress;
use report::{Report, Row};
use strategy::Strategy;
use trace::{Event, TraceError};
use traffic::Traffic;

#[cfg_attr(test, allow(dead_code, reason = "tests call `run`"))]
fn main() -> ExitCode {
    ExitCode::from(run(std::env::args_os().skip(1), &mut io::stdout().lock(), &mut io::stderr()))
}

/// The whole program: the arguments without its name, the two outputs, the exit code.
pub(crate) fn run(args: impl IntoIterator<Item = OsString>, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    match answer(args, out) {
        Ok(()) => 0,
        // Whoever reads has seen enough: `compare | head -1`.
        Err(Error::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => 0,
        Err(error) => {
            // Without a standard error there is only the exit code.
            let _ = writeln!(err, "compare: {error}");
            2
        }
    }
}

fn answer(args: impl IntoIterator<Item = OsString>, out: &mut dyn Write) -> Result<(), Error> {
    let args = match args::parse(args)? {
        Request::Help(text) => return shown(write!(out, "{text}"), out),
        Request::Compare(args) => args,
    };
    distinct(&args)?;
    let mut traffic = traffic(&args)?;
    // Opened before the work, so that a bad path is told at once.
    let decisions = args.decisions.as_deref().map(create).transpose()?;
    let plot = args.plot.as_deref().map(create).transpose()?;

    let report = replay(&args, &mut traffic);
    if let (Some(path), Some(file)) = (&args.decisions, decisions) {
        let written = decisions::write(&mut BufWriter::new(file), &report, &traffic);
        written.map_err(|error| Error::Write { path: path.clone(), error })?;
    }
    if let (Some(path), Some(mut file)) = (&args.plot, plot) {
        let written = plot::draw(&report, &traffic).and_then(|svg| file.write_all(svg.as_bytes()));
        written.map_err(|error| Error::Write { path: path.clone(), error })?;
    }
    // At once: a table that trickles out of a locked standard output is no use to anybody.
    let mut text = Vec::new();
    let written = match args.format {
        Format::Table => table::write(&mut text, &report, &traffic),
        Format::Json => json::write(&mut text, &report, &traffic),
    };
    shown(written.and_then(|()| out.write_all(&text)), out)
}

fn shown(written: io::Result<()>, out: &mut dyn Write) -> Result<(), Error> {
    written.and_then(|()| out.flush()).map_err(Error::Output)
}

/// Nothing is written over the trace, nor twice to one file.
fn distinct(args: &Args) -> Result<(), Error> {
    let trace = match &args.source {
        Source::File(path) => Some(path),
        Source::BuiltIn { .. } => None,
    };
    let mut seen = Vec::new();
    for path in trace.into_iter().chain(&args.decisions).chain(&args.plot) {
        let real = path.canonicalize().unwrap_or_else(|_| path.clone());
        // Devices may be named as often as one likes.
        if seen.contains(&real) && (real.is_file() || !real.exists()) {
            return Err(Error::SameFile { path: path.clone() });
        }
        seen.push(real);
    }
    Ok(())
}

fn create(path: &Path) -> Result<File, Error> {
    File::create(path).map_err(|error| Error::Write { path: path.to_owned(), error })
}

fn traffic(args: &Args) -> Result<Traffic, Error> {
    match &args.source {
        Source::BuiltIn { workload, seed, events } => {
            let title = format!("{} (seed {seed})", workload.name());
            Ok(Traffic::new(title, &workload.events(*seed, *events), args.per_client))
        }
        Source::File(path) => {
            let events = read(path).map_err(|error| Error::Trace { path: path.clone(), error })?;
            if args.per_client && events.iter().all(|event| event.client.is_none()) {
                return Err(Error::NoClients { path: path.clone() });
            }
            let title = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
            Ok(Traffic::new(title.into_owned(), &events, args.per_client))
        }
    }
}

fn read(path: &Path) -> Result<Vec<Event>, TraceError> {
    let file = File::open(path).map_err(TraceError::Read)?;
    let bytes = file.metadata().map_or(0, |metadata| metadata.len());
    trace::read(Progress::reading(bytes).watch(file))
}

fn replay(args: &Args, traffic: &mut Traffic) -> Report {
    // Three of a strategy's passes report; the timed one is left alone.
    let progress = Progress::replaying(traffic.steps.len(), 3 * Strategy::ALL.len());
    let rows = Strategy::ALL.map(|strategy| {
        progress.say(strategy.name());
        Row { strategy, figures: strategy.replay(&args.policy, traffic, &progress) }
    });
    Report { policy: args.policy, rows: rows.into() }
}
