//! In what form is the answer wanted? The same options for every command.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Arg, Command, value_parser};

#[derive(Clone, Copy, Debug)]
pub(super) enum Format {
    Table,
    Json,
}

pub(super) fn options(command: Command) -> Command {
    let format = PossibleValuesParser::new(["table", "json"])
        .map(|name| if name == "json" { Format::Json } else { Format::Table });
    command.args([
        Arg::new("format")
            .long("format")
            .value_name("FORMAT")
            .help("How to show the outcome")
            .value_parser(format)
            .default_value("table"),
        Arg::new("html")
            .long("html")
            .value_name("FILE.html")
            .help("Writes the answer as a page with pictures, too: one file that needs nothing else")
            .value_parser(value_parser!(PathBuf)),
    ])
}
