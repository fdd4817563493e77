//! How is it shown?

pub mod chart;
pub mod client;
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

use crate::report::Comparison;
use page::Page;

/// What was found out, before it takes a form.
pub trait Answer {
    /// Writes it for a person in a terminal.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    fn table(&self, out: &mut dyn Write) -> io::Result<()>;

    /// The same for a program. Every answer has the key `version`: the number grows when a key changes its meaning or
    /// goes. Keys may be added without a new number. `--help` documents them.
    fn json(&self) -> Value;

    /// The same for a person with a browser, before it is written as HTML.
    fn page(&self) -> Page;

    /// The whole text of the page: one file that needs nothing else.
    fn html(&self) -> String {
        self.page().html()
    }
}

/// The version of the keys in every JSON answer.
pub const VERSION: u32 = 1;

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
