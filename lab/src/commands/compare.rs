//! How does each strategy do on my traffic? The command that is meant where none is named.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use tollgate::Policy;

use super::source;
use crate::error::Error;
use crate::log::Format;
use crate::output;
use crate::replay::Strategy;
use crate::report::Comparison;
use crate::show::{Answer, decisions, json, plot};
use crate::traffic::Workload;

pub(super) const ABOUT: &str = "Which rate limiter should I use for my traffic?";

pub(super) fn options(command: Command) -> Command {
    let command = command
        .about(ABOUT)
        .long_about(
            "Which rate limiter should I use for my traffic?\n\n\
             Replays requests in virtual time through every strategy, lock-free and locked, and shows what\n\
             each one grants, refuses, exceeds, promises and costs.",
        )
        .after_long_help(explanation());
    source::options(command).args([
        Arg::new("policy")
            .long("policy")
            .value_name("QUOTAS")
            .help("What is allowed: LIMIT/WINDOW, ... [; guard DURATION]; may be repeated")
            .action(ArgAction::Append)
            .default_value("50/1m, 1500/1h"),
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

pub(super) fn answer(mut matches: ArgMatches) -> Result<Box<dyn Answer>, Error> {
    let policies = policies(&mut matches)?;
    let decisions: Option<PathBuf> = matches.remove_one("decisions");
    let plot: Option<PathBuf> = matches.remove_one("plot");
    if plot.is_some() && policies.len() > 1 {
        return Err(Error::Usage(format!("--plot draws one policy, and {} are given", policies.len())));
    }
    // Checked before the work, so that a bad path is told at once.
    output::distinct(&source::files(&matches), decisions.iter().chain(&plot))?;
    let mut decisions = decisions.map(output::create).transpose()?;
    let mut plot = plot.map(output::create).transpose()?;

    let traffic = source::traffic(&mut matches)?;
    let comparison = Comparison::of(traffic, &policies);
    let Comparison { traffic, reports } = &comparison;
    if let Some(file) = &mut decisions {
        file.write(|out| decisions::write(out, reports, traffic))?;
    }
    if let Some(file) = &mut plot {
        file.write(|out| out.write_all(plot::draw(&reports[0], traffic)?.as_bytes()))?;
    }
    output::appear(decisions.into_iter().chain(plot))?;
    Ok(Box::new(comparison))
}

/// At least one, and no two alike.
fn policies(matches: &mut ArgMatches) -> Result<Vec<Policy>, Error> {
    let mut policies = Vec::new();
    for text in matches.remove_many::<String>("policy").into_iter().flatten() {
        let policy = text.parse().map_err(|error| Error::Policy { text: text.clone(), error })?;
        if policies.contains(&policy) {
            return Err(Error::Usage(format!("the policy {text:?} is given twice")));
        }
        policies.push(policy);
    }
    Ok(policies)
}

fn explanation() -> String {
    let mut lines = vec![String::from("Strategies:")];
    let strategies = Strategy::ALL.into_iter().chain([Strategy::KeyedTable]);
    lines.extend(strategies.map(|it| format!("  {:<24}{}", it.name(), it.describe())));
    lines.push("\nBuilt-in workloads (100 clients, 0 the busiest, 99 the rarest):".into());
    let indented = |text: &str| text.replace('\n', "\n            ");
    lines.extend(Workload::ALL.map(|it| format!("  {:<10}{}", it.name(), indented(it.describe()))));
    let formats = Format::ALL.map(|it| format!("  {:<8}{}", it.name(), it.describe()));
    lines.push(format!(
        "
Columns:
  granted, refused  events
  refused by        refusals by the quota that was exceeded: of several, the last to admit a retry. \"pace\" counts
                    those where none was: the strategy spaces its calls so that no quota ever is
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

Logs:
  The first lines tell the format; --input names it instead. Several files are read as one.
{}
  The fields of the time and of the client are found by their usual names, such as timestamp and
  remote_addr; --time and --client name others. A time is a date (ISO 8601, RFC 3339, or of the Common
  Log Format; UTC where no offset is given), or a number: seconds, milliseconds, microseconds or
  nanoseconds, told by the size of the first one (--time-unit). Clients are any text.
  --only and --path know the fields time, client, path, status and method in every format.
  Servers write a line when a request ends, so lines may be out of order: they are sorted.
  The limiters' clocks start at the last multiple of 86400 s before the first request.

Costs:
  With --cost FIELD a request asks for as many permits as the field says, and windows count permits.
  A request that asks for more than a strategy ever grants at once is refused for ever: \"never\".

Decisions:
  CSV with the header \"seconds,client\" and the strategies' names; 1 is granted, 0 refused. The client is
  empty if the log has none, a strategy's column if it cannot serve the policy. With several policies a
  column's name is the strategy's, a space and the policy.

JSON:",
        size_of::<Policy>(),
        formats.join("\n")
    ));
    lines.extend(json::KEYS.lines().map(|line| format!("  {line}")));
    lines.push("\nBad input of any kind is told in one line on standard error, with exit code 2.".into());
    lines.join("\n")
}
