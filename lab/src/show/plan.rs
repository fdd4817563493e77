//! How is a plan shown?

use std::io::{self, Write};
use std::time::Duration;

use serde_json::{Value, json};
use tollgate::Quota;

use super::chart::{Bar, bars};
use super::page::{Block, Cell, Page, Section, Table};
use super::table::rounded;
use super::{Answer, VERSION, json};
use crate::plan::{Pacing, Planned};

/// The keys, for `--help`.
pub const KEYS: &str = "\
{
  \"version\": 1,
  \"policy\": \"50/1m, 1500/1h\",    as it is understood
  \"burst\": 26,
  \"interval_ns\": 2440677967,      one permit comes back per so much time
  \"efficiency\": 0.983,            of the rate that the policy sustains
  \"quotas\": [{\"quota\": \"50/1m\", \"limit\": 50, \"window_s\": 60, \"most_in_any_window\": 50}, ...],
  \"cl_throttle\": {\"max_burst\": 25, \"count\": 1474, \"period_s\": 3600},   null: redis-cell cannot count so far
  \"pacing\": [                     empty if the limits are too large to be replayed
    {\"strategy\": \"sliding_log\", \"added\": \"50/2m\" | null, \"at_once\": 50, \"silence_s\": 120,
     \"one_limit_s\": 3480, \"two_limits_s\": 7080}, ...    null: never
  ]
}";

impl Answer for Planned {
    fn table(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "policy: {}\n\n{}", self.plan.policy(), self.plan)?;
        if let Some(command) = self.cl_throttle {
            writeln!(out, "\nThe same bucket in Redis, by the module redis-cell:\n  {command}")?;
        }
        if self.pacing.is_empty() {
            return Ok(());
        }
        writeln!(out, "\nA caller who always has one more call to make:\n")?;
        let heads = self.heads();
        let rows: Vec<[String; 6]> = self.pacing.iter().map(cells).collect();
        let width = |column: usize| {
            let cells = rows.iter().map(|row| row[column].len());
            cells.max().unwrap_or(0).max(heads[column].len())
        };
        let line = |out: &mut dyn Write, cells: &[&str]| {
            let mut text = format!("{:<1$}", cells[0], width(0));
            for (column, cell) in cells.iter().enumerate().skip(1) {
                let width = width(column);
                text = format!("{text}  {cell:>width$}");
            }
            writeln!(out, "{}", text.trim_end())
        };
        line(out, &heads.each_ref().map(String::as_str))?;
        for row in &rows {
            line(out, &row.each_ref().map(String::as_str))?;
        }
        Ok(())
    }

    fn json(&self) -> Value {
        let quotas = self.plan.policy().quotas().iter().enumerate().map(|(place, quota)| {
            json!({
                "quota": quota.to_string(),
                "limit": quota.limit(),
                "window_s": json::seconds(quota.window()),
                "most_in_any_window": self.plan.worst_case(place),
            })
        });
        let seconds = |nanos: u64| json::seconds(Duration::from_nanos(nanos));
        let pacing = self.pacing.iter().map(|pacing| {
            json!({
                "strategy": pacing.strategy.name(),
                "added": pacing.added.map(|quota| quota.to_string()),
                "at_once": pacing.at_once,
                "silence_s": seconds(pacing.silence),
                "one_limit_s": pacing.one_limit.map(seconds),
                "two_limits_s": pacing.two_limits.map(seconds),
            })
        });
        json!({
            "version": VERSION,
            "policy": self.plan.policy().to_string(),
            "burst": self.plan.burst(),
            "interval_ns": u64::try_from(self.plan.interval().as_nanos()).ok(),
            "efficiency": self.plan.efficiency(),
            "quotas": quotas.collect::<Vec<_>>(),
            "cl_throttle": self.cl_throttle.map(|command| json!({
                "max_burst": command.max_burst,
                "count": command.count,
                "period_s": command.period,
            })),
            "pacing": pacing.collect::<Vec<_>>(),
        })
    }

    fn page(&self) -> Page {
        let policy = self.plan.policy();
        let proof = policy.quotas().iter().enumerate().map(|(place, quota)| {
            let most = self.plan.worst_case(place).unwrap_or(quota.limit());
            vec![Cell::plain(quota), Cell::judged(most, most <= quota.limit())]
        });
        let proof = Table { head: vec!["quota".into(), "most in any window".into()], rows: proof.collect() };
        let rows = self.pacing.iter().map(|pacing| cells(pacing).map(Cell::plain).into()).collect();
        let pacing = Table { head: self.heads().into(), rows };
        let silence = |pacing: &Pacing| Bar {
            name: match pacing.added {
                Some(quota) => format!("{} + {quota}", pacing.strategy.name()),
                None => pacing.strategy.name().into(),
            },
            value: Duration::from_nanos(pacing.silence).as_secs_f64(),
            said: rounded(pacing.silence),
            bad: false,
        };
        let silences: Vec<Bar> = self.pacing.iter().map(silence).collect();
        let mut sections = vec![Section {
            title: "The proof".into(),
            blocks: vec![
                Block::Text(
                    "A bucket of burst b that regains one permit per T lets at most b + ceil(P/T) - 1 calls through in \
                     any window of length P."
                        .into(),
                ),
                Block::Table(proof),
            ],
        }];
        if !self.pacing.is_empty() {
            sections.push(Section {
                title: "A caller who always has one more call to make".into(),
                blocks: vec![
                    Block::Text("The longest stretch in which it waits and is granted nothing:".into()),
                    Block::Picture(bars("the longest silence", &silences, None)),
                    Block::Table(pacing),
                ],
            });
        }
        if let Some(command) = self.cl_throttle {
            sections.push(Section {
                title: "The same bucket in Redis".into(),
                blocks: vec![
                    Block::Text(
                        "The module redis-cell has it as a command; key stands for the caller.".into(),
                    ),
                    Block::Code(command.to_string()),
                ],
            });
        }
        Page {
            title: format!("A plan for {policy}"),
            summary: vec![
                format!(
                    "One token bucket keeps the whole policy: it grants {} at once, and then one call per {}.",
                    calls(self.plan.burst()),
                    rounded(u64::try_from(self.plan.interval().as_nanos()).unwrap_or(u64::MAX))
                ),
                format!(
                    "It grants {:.2} % of the rate that the policy sustains, and never more than a quota allows.",
                    self.plan.efficiency() * 100.0
                ),
            ],
            sections,
        }
    }
}

impl Planned {
    fn heads(&self) -> [String; 6] {
        let calls = u64::from(self.plan.policy().quotas().iter().map(Quota::limit).max().unwrap_or(0));
        let take = |times: u64| format!("{} calls take", times * calls);
        let [strategy, added, once, silence] =
            ["strategy", "added", "at once", "longest silence"].map(String::from);
        [strategy, added, once, silence, take(1), take(2)]
    }
}

fn calls(count: u32) -> String {
    format!("{count} call{}", if count == 1 { "" } else { "s" })
}

fn cells(pacing: &Pacing) -> [String; 6] {
    let time = |nanos: Option<u64>| nanos.map_or("never".into(), rounded);
    [
        pacing.strategy.name().into(),
        pacing.added.map_or("-".into(), |quota| quota.to_string()),
        pacing.at_once.to_string(),
        rounded(pacing.silence),
        time(pacing.one_limit),
        time(pacing.two_limits),
    ]
}
