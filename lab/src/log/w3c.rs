//! The W3C Extended Log Format: AWS `CloudFront` (tabs between the fields) and IIS (spaces). `#Fields:` names them.

use super::fault::{Fault, shown};
use super::fields::Fields;
use super::shape::{Shape, Split, place_of};

#[derive(Default)]
pub(super) struct W3c {
    names: Vec<String>,
}

/// Date and time, put together behind the other fields.
const TIME: &str = "time";

impl W3c {
    /// `None` if the lines do not begin with directives that name the fields.
    pub(super) fn new(sample: &[&str]) -> Option<W3c> {
        let mut this = W3c::default();
        let directives = sample.iter().take_while(|line| line.starts_with('#'));
        directives.for_each(|line| {
            this.directive(line);
        });
        (!this.names.is_empty()).then_some(this)
    }

    pub(super) fn title(&self) -> &'static str {
        if self.names.iter().any(|name| name == "x-edge-location") {
            "CloudFront standard log"
        } else {
            "W3C Extended Log Format"
        }
    }

    /// Whether it names the fields.
    fn directive(&mut self, line: &str) -> bool {
        let Some(names) = line.strip_prefix("#Fields:") else { return false };
        self.names = names.split_whitespace().map(str::to_owned).collect();
        true
    }

    fn date_and_time(&self) -> Option<(usize, usize)> {
        Some((place_of(&self.names, "date")?, place_of(&self.names, TIME)?))
    }
}

impl Shape for W3c {
    fn field(&mut self, name: &str) -> Option<usize> {
        if name == TIME && self.date_and_time().is_some() {
            return Some(self.names.len());
        }
        place_of(&self.names, name)
    }

    fn names(&self) -> String {
        self.names.join(", ")
    }

    fn split(&mut self, line: &str, fields: &mut Fields) -> Result<Split, Fault> {
        if line.starts_with('#') {
            return Ok(if self.directive(line) { Split::Header } else { Split::Comment });
        }
        if self.names.is_empty() {
            return Err(Fault::Form { format: "w3c", found: shown(line) });
        }
        let delimiter = if line.contains('\t') { '\t' } else { ' ' };
        line.trim().split(delimiter).for_each(|field| fields.push(field));
        if fields.len() != self.names.len() {
            return Err(Fault::Fields { expected: self.names.len(), found: fields.len() });
        }
        if let Some((date, time)) = self.date_and_time() {
            let both = format!("{}T{}Z", fields.get(date), fields.get(time));
            fields.push(&both);
        }
        Ok(Split::Record)
    }
}
