//! Which limits suit my traffic?

use std::time::Duration;

use clap::{Arg, ArgMatches, Command};

use super::{Answer, source};
use crate::error::Error;
use crate::recommend::{Recommendation, Share, Target};
use crate::show::recommend::{Advice, KEYS};

pub(super) const ABOUT: &str = "Which limits suit my traffic?";

pub(super) fn options(command: Command) -> Command {
    let command = command
        .about(ABOUT)
        .long_about(
            "Which limits suit my traffic?\n\n\
             Finds the smallest limits under which at most a given share of calls, and of callers, would have\n\
             been refused, shows what other limits would refuse, and who would be hit.",
        )
        .after_long_help(explanation());
    let share = |text: &str| text.parse::<Share>();
    source::options(command).args([
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
         JSON:",
    )];
    lines.extend(KEYS.lines().map(|line| format!("  {line}")));
    lines.join("\n")
}
