//! The access log of an AWS Application Load Balancer: fields with spaces between, some in quotes.
//!
//! A line is written when the request ends. When it arrived is told by `request_creation_time`, where there is one.

use super::access::{parts, quoted};
use super::fault::{Fault, shown};
use super::fields::Fields;
use super::shape::{Shape, Split, place_of};

pub(super) struct Alb {
    created: bool,
}

/// As AWS documents them; newer logs have more.
const NAMES: [&str; 22] = [
    "type",
    "time",
    "elb",
    "client:port",
    "target:port",
    "request_processing_time",
    "target_processing_time",
    "response_processing_time",
    "elb_status_code",
    "target_status_code",
    "received_bytes",
    "sent_bytes",
    "request",
    "user_agent",
    "ssl_cipher",
    "ssl_protocol",
    "target_group_arn",
    "trace_id",
    "domain_name",
    "chosen_cert_arn",
    "matched_rule_priority",
    "request_creation_time",
];

/// Older logs end here.
const LEAST: usize = 14;

/// What is put together from the others.
const MADE: [&str; 3] = ["client", "method", "path"];

const TYPES: [&str; 6] = ["http", "https", "h2", "grpcs", "ws", "wss"];

/// How many fields were found, at most as many as have a name.
fn cut(line: &str, fields: &mut Fields) -> Option<usize> {
    let mut rest = line.trim();
    while fields.len() < NAMES.len() && !rest.is_empty() {
        let (field, after) = match quoted(rest) {
            Some(cut) => cut,
            None if rest.starts_with('"') => return None,
            None => rest.split_once(' ').unwrap_or((rest, "")),
        };
        fields.push(field);
        rest = after.trim_start();
    }
    let found = fields.len();
    (found >= LEAST && TYPES.contains(&fields.get(0))).then_some(found)
}

impl Alb {
    /// `None` if none of the lines is of this format.
    pub(super) fn new(sample: &[&str]) -> Option<Alb> {
        let found = sample.iter().find_map(|line| cut(line, &mut Fields::default()))?;
        Some(Alb { created: found == NAMES.len() })
    }
}

impl Shape for Alb {
    fn field(&mut self, name: &str) -> Option<usize> {
        place_of(&NAMES, name).or_else(|| Some(NAMES.len() + place_of(&MADE, name)?))
    }

    fn arrival(&self) -> &'static str {
        if self.created { "request_creation_time" } else { "time" }
    }

    fn names(&self) -> String {
        format!("{}, {}", NAMES.join(", "), MADE.join(", "))
    }

    fn split(&mut self, line: &str, fields: &mut Fields) -> Result<Split, Fault> {
        if cut(line, fields).is_none() {
            return Err(Fault::Form { format: "alb", found: shown(line) });
        }
        let client = fields.get(3).rsplit_once(':').map_or(fields.get(3), |(client, _)| client).to_owned();
        let [method, url, _] = parts(fields.get(12)).map(str::to_owned);
        // From `https://host:443/path` the part after the host.
        let path =
            url.split_once("://").map_or(&*url, |(_, rest)| rest.find('/').map_or("/", |at| &rest[at..]));
        fields.set(NAMES.len(), client.trim_matches(['[', ']']));
        fields.set(NAMES.len() + 1, &method);
        fields.set(NAMES.len() + 2, path);
        Ok(Split::Record)
    }
}
