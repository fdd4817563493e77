//! How is it shown?

pub mod chart;
pub mod compare;
pub mod decisions;
pub mod json;
pub mod matrix;
pub mod page;
pub mod plan;
pub mod plot;
pub mod recommend;
pub mod table;

use std::io::{self, Write};

use serde_json::Value;

use crate::commands::Answer;
use crate::report::Comparison;
use page::Page;

impl Answer for Comparison {
    fn table(&self, out: &mut dyn Write) -> io::Result<()> {
        table::write(out, self)
    }

    fn json(&self) -> Value {
        json::value(&self.reports, &self.traffic)
    }

    fn page(&self) -> Page {
        compare::page(self)
    }
}
