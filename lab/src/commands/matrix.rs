//! Which client draws refusals from which server?

use std::time::Duration;

use clap::{Arg, ArgMatches, Command};
use tollgate::Policy;

use super::source;
use crate::error::Error;
use crate::matrix::{Client, Matrix, Server};
use crate::show::Answer;
use crate::show::matrix::{KEYS, Meetings};

pub(super) const ABOUT: &str = "Which client draws refusals from which server?";

pub(super) fn options(command: Command) -> Command {
    let command = command
        .about(ABOUT)
        .long_about(
            "Which client draws refusals from which server?\n\n\
             Every client strategy sends the same calls to every kind of server, in virtual time, over a\n\
             network whose delays vary. Shows how many answers are 429, the rate, and the longest wait.",
        )
        .after_long_help(explanation());
    source::options(command).args([
        Arg::new("policy")
            .long("policy")
            .value_name("QUOTAS")
            .help("What the server enforces: LIMIT/WINDOW, ...")
            .default_value("50/1m, 1500/1h"),
        source::jitter(),
        Arg::new("guard")
            .long("guard")
            .value_name("DURATION")
            .help("What a guarded client adds to every window [default: the jitter and 1ms]")
            .allow_hyphen_values(true)
            .value_parser(source::duration),
    ])
}

pub(super) fn answer(mut matches: ArgMatches) -> Result<Box<dyn Answer>, Error> {
    let text: String = matches.remove_one("policy").unwrap_or_default();
    let policy: Policy = text.parse().map_err(|error| Error::Policy { text, error })?;
    let jitter: Duration = matches.remove_one("jitter").unwrap_or_default();
    let guard: Option<Duration> = matches.remove_one("guard");
    let seed = matches.get_one("seed").copied().unwrap_or(1);
    let traffic = source::calls(&mut matches)?;
    if let Some(guard) = guard {
        let longer = policy.with_guard(policy.guard().saturating_add(guard));
        longer.map_err(|error| Error::Usage(format!("bad guard: {error}")))?;
    }
    let matrix = Matrix::new(policy, &traffic, jitter, guard, seed).map_err(Error::Plan)?;
    Ok(Box::new(Meetings { title: traffic.title, matrix }))
}

fn explanation() -> String {
    let mut lines = vec![String::from("Servers:")];
    lines.extend(Server::ALL.map(|it| format!("  {:<24}{}", it.name(), it.describe())));
    lines.push("\nClients:".into());
    lines.extend(Client::ALL.map(|it| format!("  {}", it.name())));
    lines.push(
        "\nA client with a limiter sends its calls in order, each when the limiter grants it. It reads every answer and\n\
         heeds it: after a 429 it sends nothing until the Retry-After (whole seconds, rounded up, at least 1) has passed,\n\
         then the same call again, and then the others one by one at the pace of the smallest limit. From the fields of a\n\
         granted answer it learns that nothing is left, or less than it expects. The client without a limiter sends every\n\
         call when it comes, and again after each 429.\n\
         \n\
         The rate is in per cent of what the exact log achieves without any delay.\n\
         \n\
         JSON:"
            .into(),
    );
    lines.extend(KEYS.lines().map(|line| format!("  {line}")));
    lines.join("\n")
}
