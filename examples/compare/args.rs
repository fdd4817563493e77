//! What was asked for?

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use tollgate::Policy;

use super::error::Error;
use super::json;
use super::strategy::Strategy;
use super::workload::Workload;

/// A comparison to run.
#[derive(Debug)]
pub(crate) struct Args {
    pub(crate) source: Source,
    pub(crate) policy: Policy,
    pub(crate) per_client: bool,
    pub(crate) format: Format,
    pub(crate) decisions: Option<PathBuf>,
    pub(crate) plot: Option<PathBuf>,
}

/// Where the events come from.
#[derive(Debug)]
pub(crate) enum Source {
    BuiltIn { workload: Workload, seed: u64, events: u64 },
    File(PathBuf),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Format {
    Table,
    Json,
}

/// What to do.
#[derive(Debug)]
pub(crate) enum Request {
    Compare(Box<Args>),
    /// The text to show.
    Help(String),
}

/// Understands a command line, without the program's name.
pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Request, Error> {
    let args = std::iter::once(OsString::from("compare")).chain(args);
    let matches = match command().try_get_matches_from(args) {
        Ok(matches) => matches,
        Err(error) if error.kind() == ErrorKind::DisplayHelp => {
            return Ok(Request::Help(error.render().to_string()));
        }
        Err(error) => return Err(Error::Usage(one_line(&error.render().to_string()))),
    };
    request(matches).map(Box::new).map(Request::Compare)
}

fn request(mut matches: ArgMatches) -> Result<Args, Error> {
    let text: String = matches.remove_one("policy").unwrap_or_default();
    let policy = text.parse().map_err(|error| Error::Policy { text, error })?;
    let source = match matches.remove_one("trace") {
        Some(path) => Source::File(path),
        None => Source::BuiltIn {
            workload: matches.remove_one("workload").unwrap_or(Workload::Bursty),
            seed: matches.remove_one("seed").unwrap_or_default(),
            events: matches.remove_one("events").unwrap_or_default(),
        },
    };
    Ok(Args {
        source,
        policy,
        per_client: matches.get_flag("per-client"),
        format: matches.remove_one("format").unwrap_or(Format::Table),
        decisions: matches.remove_one("decisions"),
        plot: matches.remove_one("plot"),
    })
}

/// An error of several lines and paragraphs, cut to what is wrong.
fn one_line(message: &str) -> String {
    let said = message
        .lines()
        .map(str::trim)
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more information"));
    let said = said.filter(|line| !line.is_empty() && !line.starts_with("tip:"));
    let line = said.collect::<Vec<_>>().join(" ");
    line.strip_prefix("error: ").unwrap_or(&line).to_owned()
}

fn command() -> Command {
    let workload = PossibleValuesParser::new(Workload::ALL.map(Workload::name)).map(|name| {
        Workload::ALL.into_iter().find(|workload| workload.name() == name).unwrap_or(Workload::Bursty)
    });
    let format = PossibleValuesParser::new(["table", "json"])
        .map(|name| if name == "json" { Format::Json } else { Format::Table });
    Command::new("compare")
        .about("Which rate limiter should I use for my traffic?")
        .long_about(
            "Which rate limiter should I use for my traffic?\n\n\
             Replays a workload in virtual time through every strategy, lock-free and locked, one permit\n\
             an event, and shows what each one grants, refuses, exceeds, promises and costs.",
        )
        .after_long_help(explanation())
        .args([
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
            Arg::new("policy")
                .long("policy")
                .value_name("QUOTAS")
                .help("What is allowed: LIMIT/WINDOW, ... [; guard DURATION]")
                .default_value("50/1m, 1500/1h"),
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
            Arg::new("format")
                .long("format")
                .value_name("FORMAT")
                .help("How to show the outcome")
                .value_parser(format)
                .default_value("table"),
            Arg::new("decisions")
                .long("decisions")
                .value_name("FILE")
                .help("Writes a CSV of every event: seconds, client, 0 or 1 per strategy")
                .value_parser(value_parser!(PathBuf)),
            Arg::new("plot")
                .long("plot")
                .value_name("FILE.svg")
                .help("Draws grants and refusals over time, and the count of every window beside its limit")
                .value_parser(value_parser!(PathBuf)),
        ])
}

fn explanation() -> String {
    let mut lines = vec![String::from("Strategies:")];
    lines.extend(Strategy::ALL.map(|it| format!("  {:<24}{}", it.name(), it.describe())));
    lines.push("\nBuilt-in workloads (100 clients, 0 the busiest, 99 the rarest):".into());
    let indented = |text: &str| text.replace('\n', "\n            ");
    lines.extend(Workload::ALL.map(|it| format!("  {:<10}{}", it.name(), indented(it.describe()))));
    lines.push(format!(
        "
Columns:
  granted, refused  events
  refused by        refusals by the quota that each one named: the last to admit a retry
  most in any       the largest count of grants in any half-open window of the quota, as written (without
                    the guard), of any one limiter; \"99 > 50 !\" marks a limit of 50 that was broken
  retry             of the instants promised to a client that comes back when it is told to, the share
                    that was right: granted at the instant, refused one nanosecond earlier
  cost              nanoseconds per decision, single-threaded: the median of several passes, of at least
                    1000 events
  state             bytes of all limiters at their most, inline and heap, with their copies of the policy
                    ({} bytes each)

A client that waits instead of being refused:
  Its calls queue in order of arrival, a queue for each limiter. The first asks, comes back at the instant it
  is told, and the others wait behind it. Nothing is refused; with more traffic than the policy sustains the
  waits grow as long as the trace does.
  longest silence   the longest stretch in which calls waited and none was served
  longest wait of   so many of the calls, to three digits: 90 % waited no longer than this
  last served       when the queue was empty at last, from the first arrival
  \"never\" is past the last instant that the limiter can tell.

Trace:
  CSV with the header \"seconds\" or \"seconds,client\", in order of time; ties are fine. Seconds are plain
  decimals, exact to the nanosecond; clients are whole numbers. The limiters' clocks start at the last
  multiple of 86400 s before the first event, so Unix time works too.

Decisions:
  CSV with the header \"seconds,client\" and the strategies' names; 1 is granted, 0 refused. The client is
  empty if the trace has none, a strategy's column if it cannot serve the policy.

JSON:",
        size_of::<Policy>()
    ));
    lines.extend(json::KEYS.lines().map(|line| format!("  {line}")));
    lines.push("\nBad input of any kind is told in one line on standard error, with exit code 2.".into());
    lines.join("\n")
}
