//! What did the user ask for?

use std::ffi::OsString;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::error::ErrorKind;
use clap::{Arg, ArgMatches, Command, value_parser};
use tollgate::Policy;

use super::enforcement::Kind;
use super::error::Error;

/// Calls to make.
#[derive(Clone, Debug)]
pub(crate) struct Args {
    /// What the client keeps, with its guard.
    pub(crate) policy: Policy,
    /// What the server enforces, without one.
    pub(crate) enforced: Policy,
    pub(crate) kinds: Vec<Kind>,
    pub(crate) calls: u64,
    pub(crate) tasks: u64,
}

/// What to do.
#[derive(Debug)]
pub(crate) enum Request {
    Call(Box<Args>),
    /// The text to show.
    Help(String),
}

/// Understands a command line, without the program's name.
pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Request, Error> {
    let args = std::iter::once(OsString::from("defender_client")).chain(args);
    let matches = match command().try_get_matches_from(args) {
        Ok(matches) => matches,
        Err(error) if error.kind() == ErrorKind::DisplayHelp => {
            return Ok(Request::Help(error.render().to_string()));
        }
        Err(error) => return Err(Error::Usage(one_line(&error.render().to_string()))),
    };
    request(matches).map(Box::new).map(Request::Call)
}

fn request(mut matches: ArgMatches) -> Result<Args, Error> {
    let policy = policy(matches.remove_one("policy").unwrap_or_default())?;
    let enforced = matches.remove_one("enforced").map_or(Ok(policy), self::policy)?;
    let kind: Option<Kind> = matches.remove_one::<Option<Kind>>("server").flatten();
    Ok(Args {
        policy,
        enforced,
        kinds: kind.map_or_else(|| Kind::ALL.into(), |kind| vec![kind]),
        calls: matches.remove_one("calls").unwrap_or_default(),
        tasks: matches.remove_one("tasks").unwrap_or_default(),
    })
}

fn policy(text: String) -> Result<Policy, Error> {
    text.parse().map_err(|error| Error::Policy { text, error })
}

/// Cuts an error of several lines and paragraphs to what is wrong.
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
    let names = Kind::ALL.map(Kind::name).into_iter().chain(["all"]);
    let server =
        PossibleValuesParser::new(names).map(|name| Kind::ALL.into_iter().find(|kind| kind.name() == name));
    Command::new("defender_client")
        .about("A client that never draws a 429")
        .long_about(
            "A client that never draws a 429.\n\n\
             Tasks that share one limiter call a local HTTP server, which enforces the policy in its own way.\n\
             As many other tasks have no limiter: they call again when a 429 says so.",
        )
        .after_long_help(explanation())
        .args([
            Arg::new("policy")
                .long("policy")
                .value_name("QUOTAS")
                .help("What the client keeps: LIMIT/WINDOW, ... [; guard DURATION]")
                .default_value("10/500ms, 30/2s; guard 50ms"),
            Arg::new("enforced")
                .long("enforced")
                .value_name("QUOTAS")
                .help("What the server enforces [default: the same, without the guard]"),
            Arg::new("server")
                .long("server")
                .value_name("KIND")
                .help("How the server counts")
                .value_parser(server)
                .default_value("all"),
            Arg::new("calls")
                .long("calls")
                .value_name("N")
                .help("How many calls each client has to make")
                .allow_negative_numbers(true)
                .value_parser(value_parser!(u64).range(1..=1_000_000))
                .default_value("120"),
            Arg::new("tasks")
                .long("tasks")
                .value_name("N")
                .help("By how many tasks, each with a connection of its own")
                .allow_negative_numbers(true)
                .value_parser(value_parser!(u64).range(1..=200))
                .default_value("16"),
        ])
}

fn explanation() -> String {
    let mut lines = vec![String::from("Servers:")];
    lines.extend(Kind::ALL.map(|kind| format!("  {:<8}{}", kind.name(), kind.describe())));
    lines.push(
        "
Columns:
  best     the least time in which a client that knew the server's count could make the calls
  429s     how often a call was refused; it was made again after Retry-After, which is in whole seconds
  took     from the first call to the last answer
  of best  the achieved rate as a share of the best possible
  slowest  the longest time from the permit to the answer (without a limiter: from the call)

Guard:
  A server counts a call when it arrives. This is later than the permit, and not always by the same time. So two calls
  can be closer together at the server than at the client. The guard must be longer than the longest time from a
  permit to the arrival, less the shortest. The slowest answer is longer than that. A guard costs
  guard / (window + guard) of the rate.

Exit code 0: no client with a limiter drew a 429. 1: one did. 2: bad input or a failure, reported in one line on
standard error."
            .into(),
    );
    lines.join("\n")
}
