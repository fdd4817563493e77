//! How is a matrix shown?

use std::io::{self, Write};
use std::time::Duration;

use serde_json::{Value, json};

use super::table::rounded;
use crate::commands::Answer;
use crate::matrix::{Client, Matrix, Outcome, Server};

/// A matrix and the name of the traffic that it is about.
#[derive(Debug)]
pub struct Meetings {
    /// In words.
    pub title: String,
    /// The figures.
    pub matrix: Matrix,
}

/// The keys, for `--help`.
pub const KEYS: &str = "\
{
  \"version\": 1,
  \"policy\": \"50/1m, 1500/1h\",
  \"calls\": N,
  \"jitter_s\": 0.1,
  \"guard_s\": 0.101,
  \"best_s\": 5340,                 the exact log without any delay
  \"meetings\": [                   every client with every server
    {\"client\": \"sliding_log + guard\", \"server\": \"log_closed\", \"granted\": N, \"refused\": N,
     \"given_up\": N, \"took_s\": 3485.2, \"longest_wait_s\": 3485.2}, ...
  ]
}
A client that cannot keep the policy has \"error\" instead of the figures.";

impl Answer for Meetings {
    fn table(&self, out: &mut dyn Write) -> io::Result<()> {
        let it = &self.matrix;
        let time = |time: Duration| rounded(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
        writeln!(out, "{}: {} calls to a server that enforces {}", self.title, it.calls, it.policy)?;
        writeln!(out, "delays of up to {} each way; guard {}", time(it.jitter), time(it.guard))?;
        self.cells(out, "answers 429", |outcome| match outcome.given_up {
            0 => outcome.refused.to_string(),
            _ => format!("{} !", outcome.refused),
        })?;
        self.cells(out, "rate, % of the best", |outcome| {
            if outcome.given_up > 0 { "never".into() } else { tenths(it.best, outcome.took) }
        })?;
        self.cells(out, "longest wait", |outcome| rounded(outcome.longest_wait))?;
        writeln!(out)?;
        self.verdict(out)
    }

    fn json(&self) -> Value {
        let it = &self.matrix;
        let seconds = |nanos: u64| Duration::from_nanos(nanos).as_secs_f64();
        let meetings = self.meetings().map(|(client, server, outcome)| match outcome {
            Ok(outcome) => json!({
                "client": client.name(),
                "server": server.name(),
                "granted": outcome.granted,
                "refused": outcome.refused,
                "given_up": outcome.given_up,
                "took_s": seconds(outcome.took),
                "longest_wait_s": seconds(outcome.longest_wait),
            }),
            Err(error) => json!({"client": client.name(), "server": server.name(), "error": error}),
        });
        json!({
            "version": 1,
            "policy": it.policy.to_string(),
            "calls": it.calls,
            "jitter_s": it.jitter.as_secs_f64(),
            "guard_s": it.guard.as_secs_f64(),
            "best_s": seconds(it.best),
            "meetings": meetings.collect::<Vec<_>>(),
        })
    }
}

impl Meetings {
    fn meetings(&self) -> impl Iterator<Item = (Client, Server, Result<&Outcome, String>)> {
        Client::ALL.into_iter().zip(&self.matrix.rows).flat_map(|(client, row)| {
            let cells = Server::ALL.into_iter().zip(row);
            cells.map(move |(server, cell)| (client, server, cell.as_ref().map_err(ToString::to_string)))
        })
    }

    fn cells(&self, out: &mut dyn Write, title: &str, cell: impl Fn(&Outcome) -> String) -> io::Result<()> {
        let first = Client::ALL.map(|client| client.name().len()).into_iter().max().unwrap_or(0);
        write!(out, "\n{:<first$}", title)?;
        for server in Server::ALL {
            write!(out, "  {}", server.name())?;
        }
        writeln!(out)?;
        for (client, row) in Client::ALL.into_iter().zip(&self.matrix.rows) {
            write!(out, "{:<first$}", client.name())?;
            for (server, outcome) in Server::ALL.into_iter().zip(row) {
                let width = server.name().len();
                write!(out, "  {:>width$}", outcome.as_ref().map_or("-".into(), &cell))?;
            }
            writeln!(out)?;
        }
        Ok(())
    }

    /// The fastest client that no server refused.
    fn verdict(&self, out: &mut dyn Write) -> io::Result<()> {
        let clean = Client::ALL.into_iter().zip(&self.matrix.rows).filter_map(|(client, row)| {
            let mut slowest = 0;
            for outcome in row {
                let outcome = outcome.as_ref().ok()?;
                if outcome.refused > 0 || outcome.given_up > 0 {
                    return None;
                }
                slowest = slowest.max(outcome.took);
            }
            Some((slowest, client))
        });
        match clean.min_by_key(|&(slowest, _)| slowest) {
            Some((slowest, client)) => writeln!(
                out,
                "No server refused a call of {}; among such clients it is the fastest ({}).",
                client.name(),
                rounded(slowest)
            ),
            None => writeln!(out, "Every client was refused by some server."),
        }
    }
}

/// With one decimal, cut.
fn tenths(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "100.0".into();
    }
    let tenths = u128::from(part) * 1_000 / u128::from(whole);
    format!("{}.{}", tenths / 10, tenths % 10)
}
