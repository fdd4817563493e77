//! How is it shown?

pub mod decisions;
pub mod json;
pub mod plot;
pub mod table;

use std::io::{self, Write};

use serde_json::Value;

use crate::commands::Answer;
use crate::report::Comparison;

impl Answer for Comparison {
    fn table(&self, out: &mut dyn Write) -> io::Result<()> {
        table::write(out, self)
    }

    fn json(&self) -> Value {
        json::value(&self.reports, &self.traffic)
    }
}
