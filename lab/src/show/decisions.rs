//! What did every strategy answer to every event?

use std::borrow::Cow;
use std::io::{self, Write};

use crate::report::Report;
use crate::traffic::{Traffic, seconds};

/// Writes the CSV: `seconds,client`, then a column per strategy with 1 for granted and 0 for refused. A
/// column stays empty where there is nothing to tell.
///
/// # Errors
///
/// Those of `out`.
pub fn write(out: &mut dyn Write, reports: &[Report], traffic: &Traffic) -> io::Result<()> {
    write!(out, "seconds,client")?;
    let rows = || reports.iter().flat_map(|report| &report.rows);
    match reports {
        [report] => report.rows.iter().try_for_each(|row| write!(out, ",{}", row.name))?,
        reports => {
            for report in reports {
                let policy = report.policy.to_string();
                report
                    .rows
                    .iter()
                    .try_for_each(|row| write!(out, ",{}", field(&format!("{} {policy}", row.name))))?;
            }
        }
    }
    for (place, step) in traffic.steps.iter().enumerate() {
        write!(out, "\n{},", seconds(traffic.origin + step.at))?;
        if let Some(client) = traffic.clients.name(step.client) {
            write!(out, "{}", field(client))?;
        }
        for row in rows() {
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

/// Quoted, if it would not be one field otherwise.
fn field(text: &str) -> Cow<'_, str> {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\"")).into()
    } else {
        text.into()
    }
}
