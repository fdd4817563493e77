//! Which traffic is meant? The same options for every command that looks at traffic.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use tollgate::Policy;

use crate::error::Error;
use crate::log::{self, Filter, Format, Input, Options, Unit};
use crate::traffic::{Traffic, Workload};

/// Adds the options that name the traffic.
pub fn options(command: Command) -> Command {
    command.args(built_in()).args(of_logs().map(|arg| arg.requires("trace").help_heading("Logs"))).arg(
        Arg::new("per-client")
            .long("per-client")
            .help("Gives every client a limiter of its own, instead of one for all")
            .action(ArgAction::SetTrue),
    )
}

fn built_in() -> [Arg; 4] {
    let workload = PossibleValuesParser::new(Workload::ALL.map(Workload::name)).map(|name| {
        Workload::ALL.into_iter().find(|workload| workload.name() == name).unwrap_or(Workload::Bursty)
    });
    [
        Arg::new("workload")
            .value_name("WORKLOAD")
            .help("A built-in workload [default: bursty]")
            .value_parser(workload),
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
            .help("Which instance of it: a seed means the same events everywhere")
            .allow_negative_numbers(true)
            .value_parser(value_parser!(u64))
            .default_value("1"),
        Arg::new("trace")
            .long("trace")
            .value_name("FILE")
            .help("Replays these logs instead; - is standard input, .gz is fine")
            .num_args(1..)
            .action(ArgAction::Append)
            .value_parser(value_parser!(PathBuf))
            .conflicts_with_all(["workload", "seed", "events"]),
    ]
}

fn of_logs() -> [Arg; 10] {
    let format = PossibleValuesParser::new(Format::ALL.map(Format::name))
        .map(|name| Format::ALL.into_iter().find(|it| it.name() == name).unwrap_or(Format::Csv));
    let unit = PossibleValuesParser::new(Unit::ALL.map(|(name, _)| name))
        .map(|name| Unit::ALL.into_iter().find(|it| it.0 == name).map_or(Unit::Seconds, |it| it.1));
    let field = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name("FIELD").help(help).value_parser(value_parser!(String))
    };
    [
        Arg::new("input")
            .long("input")
            .value_name("FORMAT")
            .help("Their format, if it is not recognised")
            .value_parser(format),
        field("time", "The field that holds the time, if it has no usual name"),
        Arg::new("time-unit")
            .long("time-unit")
            .value_name("UNIT")
            .help("What times that are numbers count, if size is not to tell")
            .value_parser(unit),
        field("client", "The field that holds the client, if it has no usual name"),
        field("cost", "The field that holds how many permits a request asks for, instead of one"),
        Arg::new("only")
            .long("only")
            .value_name("FIELD=VALUE")
            .help("Only requests like this: status=200, status!=404, status=2*; may be repeated")
            .action(ArgAction::Append)
            .value_parser(value_parser!(Filter)),
        Arg::new("path")
            .long("path")
            .value_name("PREFIX")
            .help("Only requests whose path begins like this")
            .value_parser(value_parser!(String)),
        Arg::new("ipv6-prefix")
            .long("ipv6-prefix")
            .value_name("BITS")
            .help("IPv6 addresses with the same first bits are one client: 64 is usual")
            .value_parser(value_parser!(u8).range(1..=128)),
        Arg::new("out-of-order")
            .long("out-of-order")
            .value_name("DURATION")
            .help("Sorts lines that are out of order by at most this [default: 5m]")
            .value_parser(duration),
        Arg::new("skip-bad")
            .long("skip-bad")
            .value_name("PERCENT")
            .help("How many lines may be no requests [default: 1, and 0 for a trace]")
            .value_parser(per_million),
    ]
}

/// A duration as a policy writes it.
fn duration(text: &str) -> Result<Duration, String> {
    if matches!(text, "0" | "0s") {
        return Ok(Duration::ZERO);
    }
    let quota: Result<Policy, _> = format!("1/{text}").parse();
    match quota {
        Ok(policy) if policy.quotas().len() == 1 && policy.guard() == Duration::ZERO => {
            Ok(policy.quotas()[0].window())
        }
        _ => Err("expected a duration such as 30s or 5m".into()),
    }
}

/// A share in percent as millionths: at most four decimals.
fn per_million(text: &str) -> Result<u64, String> {
    let (whole, decimals) =
        text.trim_end_matches('%').split_once('.').unwrap_or((text.trim_end_matches('%'), ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let share = (digits(whole) && digits(decimals) && !whole.is_empty() && decimals.len() <= 4)
        .then(|| format!("{whole}{decimals:0<4}").parse().ok())
        .flatten();
    share.filter(|&share| share <= 1_000_000).ok_or("expected a percentage from 0 to 100, such as 2.5".into())
}

/// The files that are read: nothing may be written over them.
pub fn files(matches: &ArgMatches) -> Vec<PathBuf> {
    matches.get_many("trace").into_iter().flatten().cloned().collect()
}

/// The traffic that the options name.
///
/// # Errors
///
/// If a file cannot be read, or is no log of requests.
pub fn traffic(matches: &mut ArgMatches) -> Result<Traffic, Error> {
    let per_client = matches.get_flag("per-client");
    let Some(paths) = matches.remove_many::<PathBuf>("trace") else {
        let workload = matches.remove_one("workload").unwrap_or(Workload::Bursty);
        let seed: u64 = matches.remove_one("seed").unwrap_or_default();
        let events = matches.remove_one("events").unwrap_or_default();
        let title = format!("{} (seed {seed})", workload.name());
        return Ok(Traffic::new(title, &workload.events(seed, events), per_client));
    };
    let inputs: Vec<Input> = paths.map(Input::named).collect();
    let traffic = log::read(&inputs, &understood(matches))?;
    if per_client && traffic.clients.is_empty() {
        return Err(Error::NoClients { title: traffic.title });
    }
    Ok(Traffic { per_client, ..traffic })
}

fn understood(matches: &mut ArgMatches) -> Options {
    let defaults = Options::default();
    let mut only: Vec<Filter> = matches.remove_many("only").into_iter().flatten().collect();
    only.extend(matches.remove_one::<String>("path").map(|prefix| Filter::prefix("path", &prefix)));
    Options {
        format: matches.remove_one("input"),
        time: matches.remove_one("time"),
        unit: matches.remove_one("time-unit"),
        client: matches.remove_one("client"),
        cost: matches.remove_one("cost"),
        only,
        ipv6_prefix: matches.remove_one("ipv6-prefix"),
        out_of_order: matches.remove_one("out-of-order").unwrap_or(defaults.out_of_order),
        skip_per_million: matches.remove_one("skip-bad"),
    }
}
