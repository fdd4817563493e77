//! How is this policy kept by one bucket, and what does it cost?

use clap::{Arg, ArgMatches, Command, value_parser};

use crate::error::Error;
use crate::plan::Planned;
use crate::show::Answer;
use crate::show::plan::KEYS;

pub(super) const ABOUT: &str = "How is a policy kept by one bucket, and how are calls paced?";

pub(super) fn options(command: Command) -> Command {
    command
        .about(ABOUT)
        .long_about(
            "How is a policy kept by one bucket, and how are calls paced?\n\n\
             Shows the plan of the strict token bucket, the proof for each quota, the same bucket as a command\n\
             of redis-cell, and how a caller fares who always has one more call to make.",
        )
        .after_long_help(explanation())
        .args([
            Arg::new("policy")
                .value_name("QUOTAS")
                .help("What is allowed: LIMIT/WINDOW, ... [; guard DURATION]")
                .default_value("50/1m, 1500/1h"),
            Arg::new("burst")
                .long("burst")
                .value_name("N")
                .help("The most calls at once [default: the most that keeps 98 % of the rate]")
                .allow_negative_numbers(true)
                .value_parser(value_parser!(u32)),
        ])
}

pub(super) fn answer(mut matches: ArgMatches) -> Result<Box<dyn Answer>, Error> {
    let text: String = matches.remove_one("policy").unwrap_or_default();
    let burst = matches.remove_one("burst");
    let policy = text.parse().map_err(|error| Error::Policy { text, error })?;
    Ok(Box::new(Planned::new(policy, burst).map_err(Error::Plan)?))
}

fn explanation() -> String {
    let mut lines = vec![String::from(
        "The proof: a bucket of burst b that regains one permit per T lets at most b + ceil(P/T) - 1 calls through\n\
         in any window of length P.\n\n\
         Pacing:\n\
         \x20 added             a quota of the rate that the policy sustains, over a shorter window\n\
         \x20 at once           the most calls that are granted at one instant\n\
         \x20 longest silence   the longest stretch in which the caller waits and is granted nothing\n\
         \x20 N calls take      from the first call to the last\n\n\
         JSON:",
    )];
    lines.extend(KEYS.lines().map(|line| format!("  {line}")));
    lines.join("\n")
}
