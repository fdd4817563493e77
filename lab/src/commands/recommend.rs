//! Which limits suit my traffic? And which limiter suits a client of a server with limits?

use std::time::Duration;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};

use super::source;
use crate::error::Error;
use crate::matrix::Guards;
use crate::recommend::{Recommendation, Share, Target};
use crate::show::Answer;
use crate::show::client::{self, ForAClient};
use crate::show::recommend::{Advice, KEYS};

pub(super) const ABOUT: &str = "Which limits suit my traffic?";

pub(super) fn options(command: Command) -> Command {
    let command = command
        .about(ABOUT)
        .long_about(
            "Which limits suit my traffic?\n\n\
             Finds the smallest limits under which at most a given share of calls, and of callers, would have\n\
             been refused, shows what other limits would refuse, and who would be hit.\n\n\
             With --server it answers the opposite question, for a client: which limiter and which guard draw no\n\
             429 from a server with these limits, and with which of them do the calls take least?",
        )
        .after_long_help(explanation());
    let share = |text: &str| text.parse::<Share>();
    let command = source::options(command);
    command.args([
        Arg::new("server")
            .long("server")
            .value_name("QUOTAS")
            .help("What a server enforces: recommends a limiter and a guard for its client")
            .conflicts_with_all(["windows", "refused", "refused-callers"]),
        source::jitter().help("With --server: the longest delay of a call, and of its answer; the shortest is 0"),
        Arg::new("windows")
            .long("windows")
            .value_name("DURATIONS")
            .help("The windows to find limits for")
            .default_value("1m, 1h"),
        Arg::new("refused")
            .long("refused")
            .value_name("SHARE")
            .help("The largest share of calls that may be refused")
            .allow_hyphen_values(true)
            .value_parser(share)
            .default_value("1%"),
        Arg::new("refused-callers")
            .long("refused-callers")
            .value_name("SHARE")
            .help("The largest share of callers that may have a call refused; needs --per-client [default: any]")
            .allow_hyphen_values(true)
            .value_parser(share),
    ])
}

pub(super) fn answer(mut matches: ArgMatches) -> Result<Box<dyn Answer>, Error> {
    if let Some(text) = matches.remove_one::<String>("server") {
        return for_a_client(text, matches);
    }
    if matches.value_source("jitter") == Some(ValueSource::CommandLine) {
        return Err(Error::Usage("--jitter needs --server: it lies between a client and a server".into()));
    }
    let text: String = matches.remove_one("windows").unwrap_or_default();
    let windows = windows(&text)?;
    let target = Target {
        calls: matches.remove_one("refused").unwrap_or(Share::ZERO),
        callers: matches.remove_one("refused-callers"),
    };
    if target.callers.is_some() && !matches.get_flag("per-client") {
        return Err(Error::Usage(
            "--refused-callers needs --per-client: one limiter for all has one caller".into(),
        ));
    }
    let traffic = source::traffic(&mut matches)?;
    let told = |error| Error::Usage(format!("bad windows {text:?}: {error}"));
    let recommendation = Recommendation::new(&traffic, &windows, target).map_err(told)?;
    Ok(Box::new(Advice { traffic, recommendation }))
}

/// A limiter and a guard for a client.
fn for_a_client(text: String, mut matches: ArgMatches) -> Result<Box<dyn Answer>, Error> {
    let policy = text.parse().map_err(|error| Error::Policy { text, error })?;
    let jitter = matches.remove_one("jitter").unwrap_or_default();
    let seed = matches.get_one("seed").copied().unwrap_or(1);
    let traffic = source::calls(&mut matches)?;
    let guards = Guards::new(policy, &traffic, jitter, seed).map_err(Error::Plan)?;
    Ok(Box::new(ForAClient { title: traffic.title, guards }))
}

/// Windows as a policy writes them, such as `1m, 1h`.
fn windows(text: &str) -> Result<Vec<Duration>, Error> {
    let told = |error| Error::Usage(format!("bad windows {text:?}: {error}"));
    text.split(',').map(|part| source::duration(part.trim()).map_err(told)).collect()
}

fn explanation() -> String {
    let mut lines = vec![String::from(
        "Every caller (or all together, without --per-client) has an exact sliding log; a refused call is charged\n\
         to no window. For one window the limit is the smallest that keeps the shares. For several windows\n\
         together there is more than one choice: of the policy that is shown, no limit can be lowered alone.\n\n\
         With --server every limiter is tried with guards from 0 up to the shortest window, three times each, as in\n\
         the command matrix, whose help describes the servers. A guard counts as enough if it and every larger one\n\
         that was tried drew no 429. Without a workload or a trace the calls are 3000 at once.\n\n\
         JSON:",
    )];
    lines.extend(KEYS.lines().map(|line| format!("  {line}")));
    lines.push("\nJSON with --server:".into());
    lines.extend(client::KEYS.lines().map(|line| format!("  {line}")));
    lines.join("\n")
}
