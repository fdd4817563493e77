//! How is a matrix shown?

use std::io::{self, Write};
use std::time::Duration;

use serde_json::{Value, json};

use super::page::{Block, Cell, Page, Section, Table};
use super::table::{percent, rounded, sentence};
use super::{Answer, VERSION, json};
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
        for line in self.heading() {
            writeln!(out, "{line}")?;
        }
        self.cells(out, "answers 429", |outcome| match outcome.given_up {
            0 => outcome.refused.to_string(),
            _ => format!("{} !", outcome.refused),
        })?;
        self.cells(out, "rate, % of the best", |outcome| {
            if outcome.given_up > 0 { "never".into() } else { percent(it.best, outcome.took) }
        })?;
        self.cells(out, "longest wait", |outcome| rounded(outcome.longest_wait))?;
        writeln!(out)?;
        self.verdict().iter().try_for_each(|line| sentence(out, line))
    }

    fn json(&self) -> Value {
        let it = &self.matrix;
        let seconds = |nanos: u64| json::seconds(Duration::from_nanos(nanos));
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
            "version": VERSION,
            "policy": it.policy.to_string(),
            "calls": it.calls,
            "jitter_s": json::seconds(it.jitter),
            "guard_s": json::seconds(it.guard),
            "best_s": seconds(it.best),
            "meetings": meetings.collect::<Vec<_>>(),
        })
    }

    fn page(&self) -> Page {
        let it = &self.matrix;
        let refused = |outcome: &Outcome| match outcome.given_up {
            0 => Cell::judged(outcome.refused, outcome.refused == 0),
            _ => Cell::judged(format!("{} !", outcome.refused), false),
        };
        let rate = |outcome: &Outcome| {
            Cell::plain(if outcome.given_up > 0 { "never".into() } else { percent(it.best, outcome.took) })
        };
        let section = |title: &str, text: &str, table| Section {
            title: title.into(),
            blocks: vec![Block::Text(text.into()), Block::Table(table)],
        };
        Page {
            title: "Which client draws refusals from which server?".into(),
            summary: self.verdict().into_iter().chain(self.told()).collect(),
            sections: vec![
                section(
                    "Answers 429",
                    "Green: no call was refused. A cell with ! has calls that were never granted, or not in the time of the trial.",
                    self.grid(refused),
                ),
                section(
                    "Rate, in per cent of the best",
                    "100 is the exact rule without any delay. A server that grants more than the rule allows more than 100.",
                    self.grid(rate),
                ),
                section(
                    "Longest wait",
                    "From the moment at which a call was wanted until the server granted it.",
                    self.grid(|outcome| Cell::plain(rounded(outcome.longest_wait))),
                ),
                servers(),
            ],
        }
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
        write!(out, "\n{title:<first$}")?;
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

    /// What is simulated.
    fn heading(&self) -> [String; 2] {
        let it = &self.matrix;
        let time = |time: Duration| rounded(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
        [
            format!("{}: {} calls to a server that enforces {}", self.title, it.calls, it.policy),
            format!("delays of up to {} each way; guard {}", time(it.jitter), time(it.guard)),
        ]
    }

    /// The clients and the servers.
    fn grid(&self, cell: impl Fn(&Outcome) -> Cell) -> Table {
        let head = std::iter::once("client".into()).chain(Server::ALL.map(|server| server.name().into()));
        let rows = Client::ALL.into_iter().zip(&self.matrix.rows).map(|(client, row)| {
            let cells = row.iter().map(|outcome| outcome.as_ref().map_or(Cell::plain("-"), &cell));
            std::iter::once(Cell::plain(client.name())).chain(cells).collect()
        });
        Table { head: head.collect(), rows: rows.collect() }
    }

    /// The heading in sentences.
    fn told(&self) -> [String; 2] {
        let it = &self.matrix;
        let time = |time: Duration| rounded(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
        [
            format!(
                "Each client sends the same {} calls ({}) to a server that enforces {}. A call takes up to {} to arrive, \
                 and its answer as long.",
                it.calls,
                self.title,
                it.policy,
                time(it.jitter)
            ),
            format!("A client with a guard keeps every window longer by {}.", time(it.guard)),
        ]
    }

    /// What to use.
    fn verdict(&self) -> Vec<String> {
        let mut said = Vec::new();
        match self.fastest(Client::is_never_refused, Server::grants_the_rule) {
            Some((client, slowest)) => said.push(format!(
                "Use {}: with a guard above the jitter, no server that grants the rule ever refuses it, whatever the \
                 traffic. These calls take it {}.",
                client.name(),
                rounded(slowest)
            )),
            None => said.push(
                "No guarded client was granted every call: the guard is below the jitter, or a call asks for more than \
                 the policy ever grants."
                    .into(),
            ),
        }
        if let Some((client, slowest)) = self.fastest(|client| client.guarded, |_| true) {
            said.push(format!(
                "The fastest guarded client that none of all these servers refused is {}: {}.",
                client.name(),
                rounded(slowest)
            ));
        }
        said
    }

    /// Of some clients that some servers refused no call, the fastest with its slowest server.
    fn fastest(&self, of: impl Fn(Client) -> bool, with: impl Fn(Server) -> bool) -> Option<(Client, u64)> {
        let rows = Client::ALL.into_iter().zip(&self.matrix.rows).filter(|(client, _)| of(*client));
        let clean = rows.filter_map(|(client, row)| {
            let mut slowest = 0;
            for (_, outcome) in Server::ALL.into_iter().zip(row).filter(|(server, _)| with(*server)) {
                let outcome = outcome.as_ref().ok()?;
                if outcome.refused > 0 || outcome.given_up > 0 {
                    return None;
                }
                slowest = slowest.max(outcome.took);
            }
            Some((client, slowest))
        });
        clean.min_by_key(|&(_, slowest)| slowest)
    }
}

/// What the names of the servers mean.
pub(super) fn servers() -> Section {
    let terms = Server::ALL.map(|server| (server.name().into(), server.describe().into()));
    Section { title: "The servers".into(), blocks: vec![Block::Terms(terms.into())] }
}
