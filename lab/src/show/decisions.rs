//! What did every strategy answer to every event?

use std::io::{self, Write};

use crate::report::Report;
use crate::traffic::Traffic;
use crate::traffic::trace::seconds;

/// Writes the CSV: `seconds,client`, then a column per strategy with 1 for granted and 0 for refused. A
/// column stays empty where there is nothing to tell.
///
/// # Errors
///
/// Those of `out`.
pub fn write(out: &mut dyn Write, report: &Report, traffic: &Traffic) -> io::Result<()> {
    write!(out, "seconds,client")?;
    for row in &report.rows {
        write!(out, ",{}", row.name)?;
    }
    for (place, step) in traffic.steps.iter().enumerate() {
        write!(out, "\n{},", seconds(traffic.origin + step.at))?;
        if let Some(client) = traffic.clients.get(step.client as usize) {
            write!(out, "{client}")?;
        }
        for row in &report.rows {
            out.write_all(match &row.figures {
                Err(_) => b",",
                Ok(figures) if figures.answers.granted(place) => b",1",
                Ok(_) => b",0",
            })?;
        }
    }
    writeln!(out)?;
    out.flush()
}
