//! How is a comparison shown as a page?

use super::chart::{Bar, bars};
use super::page::{Block, Cell, Page, Section, Table};
use super::table::{rounded, summary, verdict};
use crate::replay::PERCENTS;
use crate::report::{Comparison, Report};
use crate::traffic::Traffic;

/// The page: the advice first, then pictures and figures for each policy.
pub fn page(comparison: &Comparison) -> Page {
    let Comparison { traffic, reports } = comparison;
    let mut said = vec![summary(traffic)];
    for report in reports {
        if reports.len() > 1 {
            said.push(format!("Under {}:", report.policy));
        }
        // Into memory: it cannot fail.
        let mut text = Vec::new();
        let _ = verdict(&mut text, report);
        let text = String::from_utf8_lossy(&text).replace("\n ", " ");
        said.extend(text.lines().map(String::from));
    }
    Page {
        title: "Which rate limiter fits this traffic?".into(),
        summary: said,
        sections: reports
            .iter()
            .flat_map(|report| [granted(report, traffic), counts(report), waits(report)])
            .collect(),
    }
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
fn counts(report: &Report) -> Section {
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
    head.extend(["ns a decision".into(), "bytes".into()]);
    let rows = report.rows.iter().map(|row| {
        let mut cells = vec![Cell::plain(&row.name)];
        match &row.figures {
            Ok(figures) => {
                cells.extend([Cell::plain(figures.granted), Cell::plain(figures.refused())]);
                cells.extend(figures.refused_by.iter().map(Cell::plain));
                let cost = figures.ns_per_decision.map_or("-".into(), |ns| format!("{ns:.1}"));
                let bytes = figures.state_bytes.map_or("-".into(), |bytes| bytes.to_string());
                cells.extend([Cell::plain(cost), Cell::plain(bytes)]);
            }
            Err(error) => cells.push(Cell::plain(error)),
        }
        cells
    });
    let table = Block::Table(Table { head, rows: rows.collect() });
    Section { title: "The most calls in any window".into(), blocks: pictures.chain([table]).collect() }
}

fn waits(report: &Report) -> Section {
    let mut head = vec![String::from("strategy"), "longest silence".into()];
    head.extend(PERCENTS.map(|percent| format!("{percent} % waited at most")));
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
        title: "A client that waits instead of being refused".into(),
        blocks: vec![Block::Table(table)],
    }
}
