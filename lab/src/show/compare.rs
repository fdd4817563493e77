//! How is a comparison shown as a page?

use super::chart::{Bar, bars};
use super::page::{Block, Cell, Page, Section, Table};
use super::plot;
use super::table::{Kept, rounded};
use crate::replay::PERCENTS;
use crate::report::{Comparison, Report};
use crate::traffic::Traffic;

/// The page: the advice first, then pictures and figures for each policy.
pub fn page(comparison: &Comparison) -> Page {
    let Comparison { traffic, reports } = comparison;
    let several = reports.len() > 1;
    let mut said = Vec::new();
    for report in reports {
        let kept = Kept::of(report);
        if several {
            said.push(format!("This is the advice for the policy {}.", report.policy));
        }
        said.extend(kept.advice().lines().map(String::from));
        let mut list = |heading: &str, names: &[String]| {
            if !names.is_empty() {
                said.push(format!("{heading} {}.", names.join(", ")));
            }
        };
        list("On this traffic a limit was exceeded by", &kept.over);
        list("On this traffic, but not on all traffic, every limit was kept by", &kept.lucky);
        list("On any traffic every limit is kept by", &kept.names());
    }
    let limiters = match traffic.limiters() {
        1 if !traffic.per_client => String::from("One limiter served them all"),
        limiters => format!("Each of the {limiters} clients had a limiter of its own"),
    };
    let calls = traffic.steps.len();
    said.push(format!(
        "These figures come from {}: {calls} request{} in {}. {limiters}.",
        traffic.title,
        if calls == 1 { "" } else { "s" },
        rounded(traffic.span())
    ));
    Page {
        title: "Which rate limiter fits this traffic?".into(),
        summary: said,
        sections: reports
            .iter()
            .flat_map(|report| {
                let under = if several { format!(" under {}", report.policy) } else { String::new() };
                [
                    granted(report, traffic),
                    counts(report, &under),
                    over_time(report, traffic, &under),
                    waits(report, &under),
                ]
            })
            .collect(),
    }
}

/// The picture that `--plot` draws.
fn over_time(report: &Report, traffic: &Traffic, under: &str) -> Section {
    let block = match plot::draw(report, traffic) {
        Ok(svg) => Block::Drawing(svg),
        Err(error) => Block::Text(format!("There is no picture: {error}.")),
    };
    Section { title: format!("Over time{under}"), blocks: vec![block] }
}

#[expect(clippy::cast_precision_loss, reason = "a length on the screen")]
fn granted(report: &Report, traffic: &Traffic) -> Section {
    let all = traffic.steps.len() as f64;
    let pictures = report.figures().map(|(row, figures)| Bar {
        name: row.name.clone(),
        value: figures.granted as f64,
        said: format!("{} ({:.1} %)", figures.granted, figures.granted as f64 * 100.0 / all.max(1.0)),
        bad: report.violations(figures).next().is_some(),
    });
    Section {
        title: format!("Granted under {}", report.policy),
        blocks: vec![
            Block::Text("Red bars belong to strategies that exceeded a limit on this traffic.".into()),
            Block::Picture(bars("calls granted by each strategy", &pictures.collect::<Vec<_>>(), None)),
        ],
    }
}

#[expect(clippy::cast_precision_loss, reason = "a length on the screen")]
fn counts(report: &Report, under: &str) -> Section {
    let quotas = 0..report.policy.quotas().len();
    let pictures = quotas.clone().flat_map(|quota| {
        let limit = report.policy.quotas()[quota].limit();
        let bar = report.figures().map(|(row, figures)| Bar {
            name: row.name.clone(),
            value: figures.worst[quota] as f64,
            said: figures.worst[quota].to_string(),
            bad: figures.worst[quota] > u64::from(limit),
        });
        let label = format!("the most calls in any {}", report.window(quota));
        [
            Block::Text(format!("In any {}; the dotted line is the limit of {limit}.", report.window(quota))),
            Block::Picture(bars(&label, &bar.collect::<Vec<_>>(), Some(f64::from(limit)))),
        ]
    });
    let mut head = vec![String::from("strategy"), "granted".into(), "refused".into()];
    head.extend(quotas.clone().map(|quota| format!("refused by {}", report.rule(quota))));
    head.extend(["refused by pace".into(), "ns a decision".into(), "bytes".into()]);
    let rows = report.rows.iter().map(|row| {
        let mut cells = vec![Cell::plain(&row.name)];
        match &row.figures {
            Ok(figures) => {
                cells.extend([Cell::plain(figures.granted), Cell::plain(figures.refused())]);
                cells.extend(figures.refused_by.iter().map(Cell::plain));
                cells.push(Cell::plain(figures.refused_by_pace));
                let cost = figures.ns_per_decision.map_or("-".into(), |ns| format!("{ns:.1}"));
                let bytes = figures.state_bytes.map_or("-".into(), |bytes| bytes.to_string());
                cells.extend([Cell::plain(cost), Cell::plain(bytes)]);
            }
            Err(error) => cells.push(Cell::plain(error)),
        }
        cells
    });
    let table = Block::Table(Table { head, rows: rows.collect() });
    Section {
        title: format!("The most calls in any window{under}"),
        blocks: pictures.chain([table]).collect(),
    }
}

fn waits(report: &Report, under: &str) -> Section {
    let mut head = vec![String::from("strategy"), "longest silence".into()];
    head.extend(PERCENTS.map(|percent| format!("{percent} % wait at most")));
    head.push("last served".into());
    let rows = report.figures().map(|(row, figures)| {
        let waiting = &figures.waiting;
        let mut cells = vec![Cell::plain(&row.name), Cell::plain(rounded(waiting.silence))];
        cells.extend(waiting.waits.map(|wait| Cell::plain(wait.map_or("never".into(), rounded))));
        cells.push(Cell::plain(if waiting.unserved == 0 { rounded(waiting.last) } else { "never".into() }));
        cells
    });
    let table = Table { head, rows: rows.collect() };
    Section {
        title: format!("A client that waits instead of being refused{under}"),
        blocks: vec![
            Block::Text(
                "Its calls queue, and the first of the queue comes back when it is told to. The longest silence is the \
                 longest stretch in which calls waited and none was granted."
                    .into(),
            ),
            Block::Table(table),
        ],
    }
}
