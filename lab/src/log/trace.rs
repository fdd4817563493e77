//! The lab's own format: a header `seconds` or `seconds,client`, then one request a line.
//!
//! Seconds are plain decimals and are kept exactly, as whole nanoseconds; a client is any text without a comma. Blank
//! lines, spaces around a field, CRLF and a byte-order mark are accepted.

use super::fault::Fault;
use super::fields::Fields;
use super::shape::{Shape, Split, place_of};

pub(super) struct Trace {
    columns: usize,
}

const NAMES: [&str; 2] = ["seconds", "client"];

impl Trace {
    /// `None` if the header is another one.
    pub(super) fn new(header: &str) -> Option<Trace> {
        let fields = || header.split(',').map(str::trim);
        let columns = if fields().eq(NAMES) { 2 } else { 1 };
        (columns == 2 || fields().eq(["seconds"])).then_some(Trace { columns })
    }
}

impl Shape for Trace {
    fn field(&mut self, name: &str) -> Option<usize> {
        place_of(&NAMES[..self.columns], name)
    }

    fn names(&self) -> String {
        NAMES[..self.columns].join(", ")
    }

    fn split(&mut self, line: &str, fields: &mut Fields) -> Result<Split, Fault> {
        line.split(',').for_each(|field| fields.push(field.trim()));
        match fields.len() {
            found if found == self.columns => Ok(Split::Record),
            found => Err(Fault::Fields { expected: self.columns, found }),
        }
    }
}
