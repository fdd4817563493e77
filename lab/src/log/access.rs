//! The Common and the Combined Log Format of Apache and nginx, also with the virtual host first.
//!
//! `[VHOST] CLIENT IDENT USER [TIME] "METHOD PATH PROTOCOL" STATUS BYTES ["REFERER" "AGENT"] ...`

use super::fault::{Fault, shown};
use super::fields::Fields;
use super::shape::{Shape, Split, place_of};

pub(super) struct Access {
    vhost: bool,
    combined: bool,
}

const NAMES: [&str; 12] = [
    "vhost", "client", "ident", "user", "time", "method", "path", "protocol", "status", "bytes", "referer",
    "agent",
];

/// A line, cut.
struct Line<'a> {
    /// What stands before the time.
    words: &'a str,
    time: &'a str,
    request: &'a str,
    status: &'a str,
    bytes: &'a str,
    rest: &'a str,
}

fn cut(line: &str) -> Option<Line<'_>> {
    let (words, rest) = line.split_once(" [")?;
    let (time, rest) = rest.split_once("] \"")?;
    let (request, rest) = request(rest)?;
    let (status, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    let (bytes, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    let number = |text: &str| text == "-" || text.bytes().all(|byte| byte.is_ascii_digit());
    let fits = words.split(' ').filter(|word| !word.is_empty()).count() >= 3
        && !status.is_empty()
        && number(status)
        && number(bytes);
    fits.then_some(Line { words, time, request, status, bytes, rest })
}

/// The request ends with a quote that no backslash escapes, before the status. Requests with a bare quote inside are
/// found in old logs.
fn request(text: &str) -> Option<(&str, &str)> {
    let ends = text.match_indices("\" ").map(|(place, _)| place);
    let mut ends = ends.filter(|&place| {
        let escapes = text[..place].bytes().rev().take_while(|&byte| byte == b'\\').count();
        let after = text.as_bytes().get(place + 2);
        escapes % 2 == 0 && after.is_some_and(|byte| byte.is_ascii_digit() || *byte == b'-')
    });
    let place = ends.next()?;
    Some((&text[..place], &text[place + 2..]))
}

/// What is between the first two quotes, and what follows them.
pub(super) fn quoted(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start().strip_prefix('"')?;
    let mut escaped = false;
    for (place, byte) in text.bytes().enumerate() {
        match byte {
            b'"' if !escaped => return Some((&text[..place], &text[place + 1..])),
            b'\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    None
}

/// Method, path and protocol; empty where there is none, as in the request of a client that speaks no HTTP.
pub(super) fn parts(request: &str) -> [&str; 3] {
    let Some((method, rest)) = request.split_once(' ') else { return ["", "", ""] };
    match rest.rsplit_once(' ') {
        Some((path, protocol)) if protocol.starts_with("HTTP/") => [method, path, protocol],
        _ => [method, rest, ""],
    }
}

impl Access {
    /// `None` if none of the lines is of this format.
    pub(super) fn new(sample: &[&str]) -> Option<Access> {
        let mut lines = sample.iter().filter_map(|line| cut(line)).peekable();
        let combined = lines.peek()?.rest.trim_start().starts_with('"');
        // A name with a space in it makes a word more, but not in every line.
        let vhost = lines.all(|line| line.words.split(' ').count() == 4);
        Some(Access { vhost, combined })
    }

    pub(super) fn title(&self) -> String {
        let form = if self.combined { "Combined" } else { "Common" };
        format!("{form} Log Format{}", if self.vhost { ", the virtual host first" } else { "" })
    }
}

impl Shape for Access {
    fn field(&mut self, name: &str) -> Option<usize> {
        place_of(&NAMES, name)
    }

    fn names(&self) -> String {
        NAMES.join(", ")
    }

    fn split(&mut self, line: &str, fields: &mut Fields) -> Result<Split, Fault> {
        let Some(line) = cut(line) else {
            return Err(Fault::Form { format: "access", found: shown(line) });
        };
        let (vhost, words) = match line.words.split_once(' ') {
            Some((vhost, words)) if self.vhost => (vhost, words),
            _ => ("", line.words),
        };
        fields.push(vhost);
        let mut words = words.splitn(3, ' ');
        (0..3).for_each(|_| fields.push(words.next().unwrap_or_default()));
        fields.push(line.time);
        for part in parts(line.request) {
            fields.push(part);
        }
        fields.push(line.status);
        fields.push(line.bytes);
        let mut rest = line.rest;
        for _ in 0..2 {
            let (text, after) = quoted(rest).unwrap_or(("", ""));
            fields.push(text);
            rest = after;
        }
        Ok(Split::Record)
    }
}
