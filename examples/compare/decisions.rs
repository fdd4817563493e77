//! What did every strategy answer to every event?

use std::io::{self, Write};

use super::report::Report;
use super::strategy::Strategy;
use super::trace::seconds;
use super::traffic::Traffic;

/// Writes the CSV: `seconds,client`, then a column per strategy with 1 for granted and 0 for refused. A
/// column stays empty where there is nothing to tell.
pub(crate) fn write(out: &mut dyn Write, report: &Report, traffic: &Traffic) -> io::Result<()> {
    write!(out, "seconds,client")?;
    for strategy in Strategy::ALL {
        write!(out, ",{}", strategy.name())?;
    }
    for step in &traffic.steps {
        write!(out, "\n{},", seconds(traffic.origin + step.at))?;
        if let Some(client) = traffic.clients.get(step.client as usize) {
            write!(out, "{client}")?;
        }
        for row in &report.rows {
            out.write_all(match (&row.figures, step.granted & row.strategy.bit()) {
                (Err(_), _) => b",",
                (Ok(_), 0) => b",0",
                (Ok(_), _) => b",1",
            })?;
        }
    }
    writeln!(out)?;
    out.flush()
}
