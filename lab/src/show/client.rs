//! How is advice for a client shown?

use std::io::{self, Write};
use std::time::Duration;

use serde_json::{Value, json};

use super::chart::{Bar, bars};
use super::matrix::servers;
use super::page::{Block, Cell, Page, Section, Table};
use super::table::{percent, rounded, sentence};
use super::{Answer, VERSION, json};
use crate::matrix::{Fit, Guards, Limiter, RUNS, Server};

/// Advice for a client, and the name of the calls that it is for.
#[derive(Debug)]
pub struct ForAClient {
    /// In words.
    pub title: String,
    /// The figures.
    pub guards: Guards,
}

/// The keys, for `--help`.
pub const KEYS: &str = "\
{
  \"version\": 1,
  \"policy\": \"50/1m, 1500/1h\",    of the server
  \"calls\": N,
  \"jitter_s\": 0.05,
  \"best_s\": 5340,                the exact log without any delay
  \"tried_s\": [0, 0.0125, ...],   the guards that were tried
  \"advice\": {                    for a client that does not know how the server counts
    \"limiter\": \"sliding_log\", \"guard_s\": 0.051, \"took_s\": 5341.5
  } | null,                        null: there is no such limiter
  \"servers\": [
    {\"server\": \"log_half_open\",
     \"fastest\": \"sliding_log\" | null,    of the limiters below
     \"limiters\": [
       {\"limiter\": \"sliding_log\", \"guard_s\": 0.05, \"took_s\": 5341.4, \"longest_wait_s\": 5341.4}, ...
     ]}, ...
  ]
}
A limiter that drew a 429 with each guard that was tried has only \"limiter\".";

impl Answer for ForAClient {
    fn table(&self, out: &mut dyn Write) -> io::Result<()> {
        for line in self.heading() {
            writeln!(out, "{line}")?;
        }
        let first = Server::ALL.map(|server| server.name().len()).into_iter().max().unwrap_or(0);
        let wide = |limiter: Limiter| limiter.name().len().max(WIDTH);
        writeln!(
            out,
            "\nThe smallest guard with which no call was refused in {RUNS} runs, and how long the calls took:\n"
        )?;
        write!(out, "{:<first$}", "server")?;
        for limiter in Limiter::ALL {
            write!(out, "  {:>1$}", limiter.name(), wide(limiter))?;
        }
        writeln!(out)?;
        for (column, server) in Server::ALL.into_iter().enumerate() {
            write!(out, "{:<first$}", server.name())?;
            for (limiter, fit) in self.fits(column) {
                write!(out, "  {:>1$}", fit.map_or("-".into(), cell), wide(limiter))?;
            }
            writeln!(out)?;
        }
        writeln!(
            out,
            "\n- marks a limiter that was refused with each guard that was tried, up to {}.\n",
            self.most()
        )?;
        self.verdict().iter().try_for_each(|line| sentence(out, line))
    }

    fn json(&self) -> Value {
        let it = &self.guards;
        let nanos = |nanos| json::seconds(Duration::from_nanos(nanos));
        let servers = Server::ALL.into_iter().enumerate().map(|(column, server)| {
            let limiters = self.fits(column).map(|(limiter, fit)| match fit {
                Some(fit) => json!({
                    "limiter": limiter.name(),
                    "guard_s": json::seconds(fit.guard),
                    "took_s": nanos(fit.took),
                    "longest_wait_s": nanos(fit.longest_wait),
                }),
                None => json!({"limiter": limiter.name()}),
            });
            json!({
                "server": server.name(),
                "fastest": it.fastest(server).map(|(limiter, _)| limiter.name()),
                "limiters": limiters.collect::<Vec<_>>(),
            })
        });
        let advice = it.advice.map(|(limiter, took)| {
            json!({"limiter": limiter.name(), "guard_s": json::seconds(it.safe), "took_s": nanos(took)})
        });
        json!({
            "version": VERSION,
            "policy": it.policy.to_string(),
            "calls": it.calls,
            "jitter_s": json::seconds(it.jitter),
            "best_s": nanos(it.best),
            "tried_s": it.tried.iter().map(|guard| json::seconds(*guard)).collect::<Vec<_>>(),
            "advice": advice,
            "servers": servers.collect::<Vec<_>>(),
        })
    }

    #[expect(clippy::cast_precision_loss, reason = "a length on the screen")]
    fn page(&self) -> Page {
        let it = &self.guards;
        let head = std::iter::once("server".into()).chain(Limiter::ALL.map(|limiter| limiter.name().into()));
        let rows = Server::ALL.into_iter().enumerate().map(|(column, server)| {
            let fastest = it.fastest(server).map(|(limiter, _)| limiter);
            let cells = self.fits(column).map(|(limiter, fit)| match fit {
                Some(fit) if fastest == Some(limiter) => Cell::judged(cell(fit), true),
                Some(fit) => Cell::plain(cell(fit)),
                None => Cell::plain("-"),
            });
            std::iter::once(Cell::plain(server.name())).chain(cells).collect()
        });
        let table = Table { head: head.collect(), rows: rows.collect() };
        let times = Server::ALL.into_iter().filter_map(|server| {
            let (limiter, fit) = it.fastest(server)?;
            Some(Bar {
                name: server.name().into(),
                value: fit.took as f64,
                said: format!("{}: {}", rounded(fit.took), limiter.name()),
                bad: false,
            })
        });
        Page {
            title: "Which limiter and which guard should a client have?".into(),
            summary: self.verdict().into_iter().chain([self.told()]).collect(),
            sections: vec![
                Section {
                    title: "The smallest guard, and how long the calls take".into(),
                    blocks: vec![
                        Block::Text(format!(
                            "With this guard no call was refused in {RUNS} runs, nor with any larger one that was tried. \
                             The fastest limiter for each server is green. - marks a limiter that was refused with \
                             each guard that was tried, up to {}.",
                            self.most()
                        )),
                        Block::Table(table),
                    ],
                },
                Section {
                    title: "How long the calls take the fastest limiter".into(),
                    blocks: vec![
                        Block::Text(format!(
                            "The dotted line is the exact rule without any delay: {}.",
                            rounded(it.best)
                        )),
                        Block::Picture(bars(
                            "how long the calls take with each server",
                            &times.collect::<Vec<_>>(),
                            Some(it.best as f64),
                        )),
                    ],
                },
                servers(),
            ],
        }
    }
}

/// Room for a guard and a time.
const WIDTH: usize = "0.00 ms, 00.0 min".len();

impl ForAClient {
    /// What is simulated.
    fn heading(&self) -> [String; 2] {
        let it = &self.guards;
        [
            format!("{}: {} calls to a server that enforces {}", self.title, it.calls, it.policy),
            format!("A call takes up to {} to arrive, and its answer as long.", time(it.jitter)),
        ]
    }

    /// The heading in sentences.
    fn told(&self) -> String {
        let it = &self.guards;
        format!(
            "The client sends {} calls ({}) to a server that enforces {}. A call takes up to {} to arrive, and its answer as \
             long.",
            it.calls,
            self.title,
            it.policy,
            time(it.jitter)
        )
    }

    /// What was found for each limiter with the server of this place.
    fn fits(&self, column: usize) -> impl Iterator<Item = (Limiter, Option<Fit>)> + '_ {
        let rows = Limiter::ALL.into_iter().zip(&self.guards.rows);
        rows.map(move |(limiter, row)| (limiter, row.as_ref().ok().and_then(|row| *row.get(column)?)))
    }

    /// The largest guard that was tried.
    fn most(&self) -> String {
        self.guards.tried.last().map_or("0".into(), |guard| time(*guard))
    }

    fn verdict(&self) -> Vec<String> {
        let it = &self.guards;
        let Some((limiter, took)) = it.advice else {
            return vec![
                "No limiter was granted all of these calls: some may ask for more than the policy ever grants.".into(),
            ];
        };
        let mut said = vec![format!(
            "Use {} with a guard of {}: no server that grants the rule ever refuses its calls, whatever the traffic. \
             These calls take at most {}, at {} % of the best rate.",
            limiter.name(),
            time(it.safe),
            rounded(took),
            percent(it.best, took)
        )];
        // Worth a word only where another limiter gains a hundredth: a smaller guard alone is not proved to be enough.
        let known = Server::ALL.into_iter().filter_map(|server| Some((server, it.fastest(server)?)));
        for (server, (other, fit)) in known {
            if other != limiter && u128::from(fit.took) * 101 < u128::from(took) * 100 {
                said.push(format!(
                    "If you know that the server is a {}, {} with a guard of {} is faster: in {RUNS} runs no call was \
                     refused, and the calls took {}.",
                    server.name(),
                    other.name(),
                    time(fit.guard),
                    rounded(fit.took)
                ));
            }
        }
        let strict = Server::ALL.into_iter().filter(|server| !server.grants_the_rule());
        for server in strict {
            said.push(match it.fastest(server) {
                Some((limiter, fit)) => format!(
                    "A {} refuses some calls that the rule allows. In {RUNS} runs it refused no call of {} with a guard \
                     of {}, and the calls took {}.",
                    server.name(),
                    limiter.name(),
                    time(fit.guard),
                    rounded(fit.took)
                ),
                None => format!(
                    "A {} refuses some calls that the rule allows, and no guard that was tried was enough for it.",
                    server.name()
                ),
            });
        }
        said
    }
}

fn cell(fit: Fit) -> String {
    format!("{}, {}", time(fit.guard), rounded(fit.took))
}

fn time(time: Duration) -> String {
    rounded(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
}
