//! How is it shown?

pub mod decisions;
pub mod json;
pub mod matrix;
pub mod plan;
pub mod plot;
pub mod recommend;
pub mod table;

use std::io::{self, Write};

use serde_json::Value;

use crate::commands::Answer;
use crate::report::Comparison;

impl Answer for Comparison {
    fn table(&self, out: &mut dyn Write) -> io::Result<()> {
        for (place, report) in self.reports.iter().enumerate() {
            if place > 0 {
                writeln!(out)?;
            }
            table::write(out, report, &self.traffic)?;
        }
        Ok(())
    }

    fn json(&self) -> Value {
        json::value(&self.reports[0], &self.traffic)
    }
}
