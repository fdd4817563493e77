//! Which format is it?

use super::access::Access;
use super::alb::Alb;
use super::clock::{Clock, Unit};
use super::delimited::Delimited;
use super::fault::{LogError, shown};
use super::json::Json;
use super::shape::{Shape, find};
use super::trace::Trace;
use super::w3c::W3c;

/// The formats that are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The lab's own: `seconds` or `seconds,client`.
    Trace,
    /// JSON lines.
    Json,
    /// Common and Combined Log Format.
    Access,
    /// AWS Application Load Balancer.
    Alb,
    /// W3C Extended: AWS `CloudFront`, IIS.
    W3c,
    /// CSV, TSV and their like.
    Csv,
}

impl Format {
    /// In the order in which they are tried.
    pub const ALL: [Format; 6] =
        [Format::Trace, Format::W3c, Format::Json, Format::Alb, Format::Access, Format::Csv];

    /// As `--input` calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Format::Trace => "trace",
            Format::Json => "json",
            Format::Access => "access",
            Format::Alb => "alb",
            Format::W3c => "w3c",
            Format::Csv => "csv",
        }
    }

    /// For `--help`.
    pub const fn describe(self) -> &'static str {
        match self {
            Format::Trace => "CSV with the header \"seconds\" or \"seconds,client\": plain decimal seconds",
            Format::Json => "JSON lines: an object a line; nested fields by path, as in request.remote_ip",
            Format::Access => {
                "Common and Combined Log Format (Apache, nginx), also with the virtual host first"
            }
            Format::Alb => "AWS Application Load Balancer; the time is the arrival, request_creation_time",
            Format::W3c => "W3C Extended Log Format: AWS CloudFront standard logs, IIS",
            Format::Csv => "CSV with any header; tabs, semicolons and bars separate fields as well",
        }
    }
}

/// A format, and what was learnt of it from the first lines.
pub(super) struct Found {
    pub(super) format: Format,
    /// For people.
    pub(super) title: String,
    pub(super) shape: Box<dyn Shape>,
    /// The first line names the columns.
    pub(super) header: bool,
}

impl Found {
    fn new(format: Format, title: impl Into<String>, shape: impl Shape + 'static) -> Found {
        let header = matches!(format, Format::Trace | Format::Csv);
        Found { format, title: title.into(), shape: Box::new(shape), header }
    }

    /// The clock for the column of this name.
    pub(super) fn clock(&self, column: &str, unit: Option<Unit>) -> Clock {
        match self.format {
            Format::Trace => Clock::seconds(),
            _ => Clock::new(unit.or_else(|| Unit::of_name(column))),
        }
    }
}

/// `format`, or the first that fits the first lines, of which there is at least one.
pub(super) fn recognize(
    sample: &[&str],
    format: Option<Format>,
    time: Option<&str>,
) -> Result<Found, LogError> {
    let first = sample.first().copied().unwrap_or_default();
    let candidates = Format::ALL.into_iter().filter(|it| format.is_none_or(|format| format == *it));
    let found = candidates.filter_map(|format| match format {
        Format::Trace => Some(Found::new(format, "trace", Trace::new(first)?)),
        Format::W3c => {
            let shape = W3c::new(sample)?;
            Some(Found::new(format, shape.title(), shape))
        }
        Format::Json => Some(Found::new(format, "JSON lines", Json::new(sample)?)),
        Format::Alb => Some(Found::new(format, "AWS ALB access log", Alb::new(sample)?)),
        Format::Access => {
            let shape = Access::new(sample)?;
            Some(Found::new(format, shape.title(), shape))
        }
        Format::Csv => csv(first, time),
    });
    found
        .into_iter()
        .next()
        .ok_or_else(|| LogError::Unknown { found: shown(first), advice: advice(first, format) })
}

/// Any line might be a header: it is one if it names the time.
fn csv(header: &str, time: Option<&str>) -> Option<Found> {
    let mut shape = Delimited::new(header);
    find(&mut shape, time.unwrap_or("time"))?;
    let title = if header.contains('\t') { "TSV" } else { "CSV" };
    Some(Found::new(Format::Csv, title, shape))
}

fn advice(first: &str, format: Option<Format>) -> String {
    if let Some(format) = format {
        return format!("it is not what --input {} promises: {}", format.name(), format.describe());
    }
    if first.trim_start().starts_with('[') {
        return "a JSON array becomes JSON lines by: jq -c '.[]'".into();
    }
    "if it is a header, --time COLUMN names the column that holds the time; --input FORMAT names the format"
        .into()
}
