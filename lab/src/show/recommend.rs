//! How is a recommendation shown?

use std::io::{self, Write};

use serde_json::{Value, json};

use super::chart::{Curve, Series};
use super::page::{Block, Cell, Page, Section, Table};
use super::table::sentence;
use super::{Answer, VERSION, json};
use crate::recommend::{Hit, Recommendation, Refused, Share, Window};
use crate::report::written;
use crate::traffic::Traffic;

/// A recommendation and the traffic that it is for.
#[derive(Debug)]
pub struct Advice {
    /// The traffic.
    pub traffic: Traffic,
    /// The limits.
    pub recommendation: Recommendation,
}

/// The keys, for `--help`.
pub const KEYS: &str = "\
{
  \"version\": 1,
  \"calls\": N,
  \"callers\": N,                  limiters: 1 without --per-client
  \"target\": {\"calls\": \"1%\", \"callers\": \"1%\" | null},
  \"policy\": \"24/1m, 187/1h\" | null,    null: a limit is too large for a policy
  \"refused\": {\"calls\": N, \"callers\": N},
  \"hit\": [                       who would have a call refused, the most refused first
    {\"client\": \"17\", \"calls\": N, \"refused\": N, \"peaks\": [N, ...]}, ...    client: null without --per-client
  ],
  \"windows\": [                   each window alone
    {\"window_s\": 60, \"limit\": N, \"peak\": N, \"refused\": {\"calls\": N, \"callers\": N},
     \"curve\": [{\"limit\": N, \"calls\": N, \"callers\": N}, ...]}, ...
  ]
}";

/// So many of the callers that are hit are named in the table.
const NAMED: usize = 10;

impl Advice {
    /// What is looked for, and in what.
    fn asked(&self) -> String {
        let it = &self.recommendation;
        let served = if self.traffic.per_client {
            format!("a limiter for each of {} callers", it.callers)
        } else {
            "one limiter for all".into()
        };
        let callers = match it.target.callers {
            Some(share) => format!(", and at most {share} of the callers may be hit"),
            None => String::new(),
        };
        let (title, calls, share) = (&self.traffic.title, it.calls, it.target.calls);
        format!("{title}: {calls} calls, {served}; at most {share} of the calls may be refused{callers}.")
    }

    /// What the log calls a caller.
    fn name(&self, hit: &Hit) -> String {
        if self.traffic.per_client { self.traffic.client(hit.caller) } else { "all".into() }
    }
}

impl Answer for Advice {
    fn table(&self, out: &mut dyn Write) -> io::Result<()> {
        let it = &self.recommendation;
        sentence(out, &self.asked())?;
        for window in &it.windows {
            curve(out, window, it)?;
        }
        let Some(policy) = it.policy else {
            return writeln!(out, "\nA limit is too large for a policy: the largest is {}.", u32::MAX);
        };
        writeln!(out, "\nAll windows together: {policy}")?;
        writeln!(out, "  would have refused {}", share(it.refused, it))?;
        if it.hit.is_empty() || !self.traffic.per_client {
            return Ok(());
        }
        writeln!(out, "\nWho would be hit:")?;
        for hit in it.hit.iter().take(NAMED) {
            let peaks = it.windows.iter().zip(&hit.peaks);
            let peaks = peaks.map(|(window, peak)| format!("{peak} in {}", written(window.window)));
            writeln!(
                out,
                "  {}: {} of {} calls refused; asked for up to {}",
                self.name(hit),
                hit.refused,
                hit.calls,
                peaks.collect::<Vec<_>>().join(", ")
            )?;
        }
        match it.hit.len() {
            0..=NAMED => Ok(()),
            all => writeln!(out, "  and {} more", all - NAMED),
        }
    }

    fn json(&self) -> Value {
        let it = &self.recommendation;
        let refused = |refused: Refused| json!({"calls": refused.calls, "callers": refused.callers});
        let hit = it.hit.iter().map(|hit| {
            json!({
                "client": self.traffic.per_client.then(|| self.name(hit)),
                "calls": hit.calls,
                "refused": hit.refused,
                "peaks": hit.peaks,
            })
        });
        let windows = it.windows.iter().map(|window| {
            let curve = window.curve.iter().map(
                |(limit, refused)| json!({"limit": limit, "calls": refused.calls, "callers": refused.callers}),
            );
            json!({
                "window_s": json::seconds(window.window),
                "limit": window.limit,
                "peak": window.peak,
                "refused": refused(window.refused),
                "curve": curve.collect::<Vec<_>>(),
            })
        });
        json!({
            "version": VERSION,
            "calls": it.calls,
            "callers": it.callers,
            "target": {
                "calls": it.target.calls.to_string(),
                "callers": it.target.callers.map(|share| share.to_string()),
            },
            "policy": it.policy.map(|policy| policy.to_string()),
            "refused": refused(it.refused),
            "hit": hit.collect::<Vec<_>>(),
            "windows": windows.collect::<Vec<_>>(),
        })
    }

    fn page(&self) -> Page {
        let it = &self.recommendation;
        let mut summary = Vec::new();
        match it.policy {
            Some(policy) => {
                summary.push(format!(
                    "The policy {policy} is enough: it would have refused {}.",
                    share(it.refused, it)
                ));
                let peaks =
                    it.windows.iter().map(|window| format!("{} in {}", window.peak, written(window.window)));
                let who = if self.traffic.per_client {
                    "The busiest callers asked"
                } else {
                    "All callers together asked"
                };
                let peaks = peaks.collect::<Vec<_>>().join(", ");
                summary.push(format!("{who} for up to {peaks}. With such limits nobody is refused."));
            }
            None => summary.push(format!("A limit is too large for a policy: the largest is {}.", u32::MAX)),
        }
        summary.push(self.asked());
        let mut sections: Vec<Section> = it.windows.iter().map(|window| picture(window, it)).collect();
        if !it.hit.is_empty() && self.traffic.per_client {
            let mut head = vec![String::from("caller"), "calls".into(), "refused".into()];
            head.extend(it.windows.iter().map(|window| format!("most in {}", written(window.window))));
            let rows = it.hit.iter().take(MOST_ROWS).map(|hit| {
                let mut cells =
                    vec![Cell::plain(self.name(hit)), Cell::plain(hit.calls), Cell::plain(hit.refused)];
                cells.extend(hit.peaks.iter().map(Cell::plain));
                cells
            });
            let mut blocks = vec![Block::Table(Table { head, rows: rows.collect() })];
            if it.hit.len() > MOST_ROWS {
                blocks.push(Block::Text(format!("and {} more", it.hit.len() - MOST_ROWS)));
            }
            sections.push(Section { title: "Who would be hit".into(), blocks });
        }
        Page { title: "Which limits suit this traffic?".into(), summary, sections }
    }
}

/// So many of the callers that are hit are named in a page.
const MOST_ROWS: usize = 100;

/// One window: a picture, and its figures.
#[expect(clippy::cast_precision_loss, reason = "a place on the screen")]
fn picture(window: &Window, it: &Recommendation) -> Section {
    let name = written(window.window);
    let share = |part: u64, whole: u64| part as f64 * 100.0 / whole.max(1) as f64;
    let line = |name: &str, of: &dyn Fn(&Refused) -> f64| Series {
        name: name.into(),
        points: window.curve.iter().map(|(limit, refused)| (*limit as f64, of(refused))).collect(),
    };
    let mut series = vec![line("calls refused", &|refused| share(refused.calls, it.calls))];
    if it.callers > 1 {
        series.push(line("callers hit", &|refused| share(refused.callers, it.callers)));
    }
    let curve = Curve {
        across: format!("limit per {name}"),
        series,
        mark: Some((window.limit as f64, format!("{} is enough", window.limit))),
        goals: goals(it),
    };
    let mut head = vec![String::from("limit"), "calls refused".into(), "share".into()];
    if it.callers > 1 {
        head.extend(["callers hit".into(), "share".into()]);
    }
    let rows = window.curve.iter().map(|(limit, refused)| {
        let text = format!("{limit}/{name}");
        let chosen = *limit == window.limit;
        let mut cells = vec![if chosen { Cell::judged(text, true) } else { Cell::plain(text) }];
        cells.extend([Cell::plain(refused.calls), Cell::plain(per_cent(refused.calls, it.calls))]);
        if it.callers > 1 {
            cells.extend([Cell::plain(refused.callers), Cell::plain(per_cent(refused.callers, it.callers))]);
        }
        cells
    });
    let table = Table { head, rows: rows.collect() };
    Section {
        title: format!("A limit per {name}: {} is enough", window.limit),
        blocks: vec![
            Block::Text(format!(
                "This is the smallest limit, for this window alone, that refuses no more than is allowed. With {} nobody is \
                 refused. Both axes are logarithmic.",
                window.peak
            )),
            Block::Picture(curve.svg()),
            Block::Folded("The figures".into(), table),
        ],
    }
}

/// What may be refused, as places on the axis of shares.
#[expect(clippy::cast_precision_loss, reason = "a place on the screen")]
fn goals(it: &Recommendation) -> Vec<(f64, String)> {
    let place = |share: Share| share.millionths() as f64 / 10_000.0;
    let (calls, callers) = (it.target.calls, it.target.callers);
    let mut goals = vec![(place(calls), format!("at most {calls}"))];
    // One line serves both curves, if it is meant for both.
    if it.callers > 1 && callers != Some(calls) {
        goals[0].1 += " of calls";
    }
    if let Some(callers) = callers.filter(|callers| *callers != calls) {
        goals.push((place(callers), format!("at most {callers} of callers")));
    }
    goals
}

/// One window: what each limit would refuse.
fn curve(out: &mut dyn Write, window: &Window, it: &Recommendation) -> io::Result<()> {
    let name = written(window.window);
    writeln!(
        out,
        "\nA limit per {name}: {} is enough; with {} nobody is refused",
        window.limit, window.peak
    )?;
    let digits = window.peak.max(1).ilog10() as usize + 1;
    let of_callers = it.callers > 1;
    // One scale for all windows: the shares of calls, or of callers where there are several.
    let part = |refused: &Refused| {
        if of_callers { (refused.callers, it.callers) } else { (refused.calls, it.calls) }
    };
    for (limit, refused) in &window.curve {
        let mark = if *limit == window.limit { '>' } else { ' ' };
        let (some, all) = part(refused);
        let callers = if of_callers {
            format!("  {:>8} of callers", per_cent(refused.callers, it.callers))
        } else {
            String::new()
        };
        let line = format!(
            "{mark} {limit:>digits$}/{name}  {:>8} of calls{callers}  {}",
            per_cent(refused.calls, it.calls),
            "#".repeat(usize::try_from((some * BAR).div_ceil(all.max(1))).unwrap_or(0))
        );
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// The length of a bar that stands for all.
const BAR: u64 = 40;

fn share(refused: Refused, it: &Recommendation) -> String {
    let calls = format!("{} of {} calls ({})", refused.calls, it.calls, per_cent(refused.calls, it.calls));
    if it.callers == 1 {
        return calls;
    }
    format!(
        "{calls} and hit {} of {} callers ({})",
        refused.callers,
        it.callers,
        per_cent(refused.callers, it.callers)
    )
}

/// With two decimals, rounded up: what is not nothing is never shown as nothing.
fn per_cent(part: u64, whole: u64) -> String {
    let hundredths = (u128::from(part) * 10_000).div_ceil(u128::from(whole.max(1)));
    format!("{}.{:02} %", hundredths / 100, hundredths % 100)
}
