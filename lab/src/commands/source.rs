//! Which traffic is meant? The same options for every command that looks at traffic.

use std::fs::File;
use std::path::{Path, PathBuf};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use crate::error::Error;
use crate::progress::Progress;
use crate::traffic::trace::{self, TraceError};
use crate::traffic::{Event, Traffic, Workload};

/// Adds the options that name the traffic.
pub fn options(command: Command) -> Command {
    let workload = PossibleValuesParser::new(Workload::ALL.map(Workload::name)).map(|name| {
        Workload::ALL.into_iter().find(|workload| workload.name() == name).unwrap_or(Workload::Bursty)
    });
    command.args([
        Arg::new("workload")
            .value_name("WORKLOAD")
            .help("A built-in workload [default: bursty]")
            .value_parser(workload),
        Arg::new("trace")
            .long("trace")
            .value_name("FILE")
            .help("Replays this CSV instead: a header, then seconds[,client] in order of time")
            .value_parser(value_parser!(PathBuf))
            .conflicts_with_all(["workload", "seed", "events"]),
        Arg::new("per-client")
            .long("per-client")
            .help("Gives every client a limiter of its own, instead of one for all")
            .action(ArgAction::SetTrue),
        Arg::new("events")
            .long("events")
            .value_name("N")
            .help("How many events of the built-in workload")
            .allow_negative_numbers(true)
            .value_parser(value_parser!(u64).range(1..=100_000_000))
            .default_value("50000"),
        Arg::new("seed")
            .long("seed")
            .value_name("N")
            .help("Which instance of the built-in workload: a seed means the same events everywhere")
            .allow_negative_numbers(true)
            .value_parser(value_parser!(u64))
            .default_value("1"),
    ])
}

/// The files that are read: nothing may be written over them.
pub fn files(matches: &ArgMatches) -> Vec<PathBuf> {
    matches.get_one::<PathBuf>("trace").into_iter().cloned().collect()
}

/// The traffic that the options name.
///
/// # Errors
///
/// If a file cannot be read, or is no log of requests.
pub fn traffic(matches: &mut ArgMatches) -> Result<Traffic, Error> {
    let per_client = matches.get_flag("per-client");
    match matches.remove_one::<PathBuf>("trace") {
        None => {
            let workload = matches.remove_one("workload").unwrap_or(Workload::Bursty);
            let seed: u64 = matches.remove_one("seed").unwrap_or_default();
            let events = matches.remove_one("events").unwrap_or_default();
            let title = format!("{} (seed {seed})", workload.name());
            Ok(Traffic::new(title, &workload.events(seed, events), per_client))
        }
        Some(path) => {
            let events = read(&path).map_err(|error| Error::Trace { path: path.clone(), error })?;
            if per_client && events.iter().all(|event| event.client.is_none()) {
                return Err(Error::NoClients { path: path.clone() });
            }
            let title = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
            Ok(Traffic::new(title, &events, per_client))
        }
    }
}

fn read(path: &Path) -> Result<Vec<Event>, TraceError> {
    let file = File::open(path).map_err(TraceError::Read)?;
    let bytes = file.metadata().map_or(0, |metadata| metadata.len());
    trace::read(Progress::reading(bytes).watch(file))
}
