//! In what form is the answer wanted? The same options for every command.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Arg, Command};

#[derive(Clone, Copy, Debug)]
pub(super) enum Format {
    Table,
    Json,
}

pub(super) fn options(command: Command) -> Command {
    let format = PossibleValuesParser::new(["table", "json"])
        .map(|name| if name == "json" { Format::Json } else { Format::Table });
    command.arg(
        Arg::new("format")
            .long("format")
            .value_name("FORMAT")
            .help("How to show the outcome")
            .value_parser(format)
            .default_value("table"),
    )
}
