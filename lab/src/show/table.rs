//! What does a person read?

use std::io::{self, Write};

use crate::log::Summary;
use crate::replay::{Figures, PERCENTS};
use crate::report::{Comparison, Report, Row};
use crate::traffic::{Traffic, seconds};

/// Writes the comparison as tables, with the answer in words below each.
///
/// # Errors
///
/// Those of `out`.
pub fn write(out: &mut dyn Write, comparison: &Comparison) -> io::Result<()> {
    let Comparison { traffic, reports } = comparison;
    heading(out, traffic)?;
    if let [_, _, ..] = &reports[..] {
        writeln!(
            out,
            "{} policies side by side: granted, and the longest silence of a client that waits\n",
            reports.len()
        )?;
        lines(out, &side_by_side(reports))?;
        writeln!(out, "\n! marks a strategy that broke a limit of the policy.\n")?;
    }
    for (place, report) in reports.iter().enumerate() {
        if place > 0 {
            writeln!(out)?;
        }
        one(out, report, traffic)?;
    }
    Ok(())
}

/// What was replayed, and how it was understood.
fn heading(out: &mut dyn Write, traffic: &Traffic) -> io::Result<()> {
    writeln!(out, "{}", summary(traffic))?;
    traffic.log.as_ref().map_or(Ok(()), |log| understood(out, log))
}

/// What was replayed, in one line.
fn summary(traffic: &Traffic) -> String {
    let served = match traffic.limiters() {
        1 if !traffic.per_client => String::from("one limiter for all"),
        limiters => format!("a limiter for each of {limiters} clients"),
    };
    let (events, span) = (traffic.steps.len(), seconds(traffic.span()));
    let plural = if events == 1 { "" } else { "s" };
    format!("{}: {events} event{plural} in {span} s, {served}", traffic.title)
}

/// Nothing for a plain trace that is in order.
fn understood(out: &mut dyn Write, log: &Summary) -> io::Result<()> {
    if log.formats != ["trace"] {
        let client = log.client.as_ref().map_or("no clients".into(), |name| format!("clients from {name}"));
        let cost = log.cost.as_ref().map_or(String::new(), |name| format!(", costs from {name}"));
        writeln!(out, "read as {}: times from {}, {client}{cost}", log.formats.join(", "), log.time)?;
    }
    if let Some(first) = &log.first_skipped {
        writeln!(
            out,
            "skipped {} of {} lines that are no requests, the first is {first}",
            log.skipped, log.lines
        )?;
    }
    if log.filtered > 0 {
        writeln!(
            out,
            "left out {} of {} requests by --only and --path",
            log.filtered,
            log.lines - log.skipped
        )?;
    }
    if log.late > 0 {
        writeln!(
            out,
            "sorted {} lines that were out of order, by up to {} s",
            log.late,
            seconds(log.latest)
        )?;
    }
    Ok(())
}

/// One policy.
fn one(out: &mut dyn Write, report: &Report, traffic: &Traffic) -> io::Result<()> {
    writeln!(out, "policy: {}\n", report.policy)?;
    lines(out, &answers(report, traffic))?;
    writeln!(out, "\nA client that waits instead of being refused:\n")?;
    lines(out, &waiting(report))?;
    for row in &report.rows {
        if let Err(error) = &row.figures {
            writeln!(out, "{}: {error}", row.name)?;
        }
    }
    writeln!(out)?;
    verdict(out, report)
}

fn side_by_side(reports: &[Report]) -> Vec<Group> {
    let policy = |report: &Report| {
        let granted = column(report, "granted", |figures| {
            let over = report.violations(figures).next().is_some();
            format!("{}{}", figures.granted, if over { " !" } else { "" })
        });
        let silence = column(report, "silence", |figures| rounded(figures.waiting.silence));
        Group { title: report.policy.to_string(), columns: vec![granted, silence] }
    };
    reports.first().map(names).into_iter().chain(reports.iter().map(policy)).collect()
}

/// Columns under one heading.
struct Group {
    title: String,
    columns: Vec<Column>,
}

/// A heading and a cell for each row.
struct Column {
    title: String,
    cells: Vec<String>,
}

/// A column with a cell for each strategy that could be replayed, and a dash for the others.
fn column(report: &Report, title: impl Into<String>, cell: impl Fn(&Figures) -> String) -> Column {
    let cells = report.rows.iter().map(|row| row.figures.as_ref().map_or("-".into(), &cell));
    Column { title: title.into(), cells: cells.collect() }
}

fn names(report: &Report) -> Group {
    let cells = report.rows.iter().map(|row| row.name.clone()).collect();
    Group { title: String::new(), columns: vec![Column { title: "strategy".into(), cells }] }
}

/// What was granted and refused.
fn answers(report: &Report, traffic: &Traffic) -> Vec<Group> {
    let single = |title: &str, below: &str, cell: &dyn Fn(&Figures) -> String| Group {
        title: title.into(),
        columns: vec![column(report, below, cell)],
    };
    let quotas = || 0..report.policy.quotas().len();
    let refused_by = quotas()
        .map(|quota| column(report, report.rule(quota), |figures| figures.refused_by[quota].to_string()))
        .chain([column(report, "pace", |figures| figures.refused_by_pace.to_string())]);
    let worst = quotas().map(|quota| {
        let limit = report.policy.quotas()[quota].limit();
        let over = |figures: &Figures| report.violations(figures).any(|(over, _)| over == quota);
        // Where one is marked, the others leave the mark's place free.
        let free = if report.figures().any(|(_, figures)| over(figures)) { "  " } else { "" };
        column(report, report.rule(quota), |figures| {
            let count = figures.worst[quota];
            if over(figures) { format!("{count} > {limit} !") } else { format!("{count}{free}") }
        })
    });
    let mut groups = vec![
        names(report),
        single("", "granted", &|figures| figures.granted.to_string()),
        single("", "refused", &|figures| figures.refused().to_string()),
        Group { title: "refused by".into(), columns: refused_by.collect() },
        Group { title: "most in any".into(), columns: worst.collect() },
        single("", "retry", &retry),
        single("cost", "ns", &|figures| figures.ns_per_decision.map_or("-".into(), |ns| format!("{ns:.1}"))),
        single("state", "bytes", &bytes),
    ];
    if traffic.has_costs() {
        groups.insert(3, single("", "never", &|figures| figures.never.to_string()));
    }
    groups
}

/// How long a client waited that was never refused.
fn waiting(report: &Report) -> Vec<Group> {
    let waits = PERCENTS.into_iter().enumerate().map(|(place, percent)| {
        column(report, format!("{percent} %"), |figures| {
            figures.waiting.waits[place].map_or("never".into(), rounded)
        })
    });
    let silence = column(report, "silence", |figures| rounded(figures.waiting.silence));
    let last = column(report, "served", |figures| match figures.waiting.unserved {
        0 => rounded(figures.waiting.last),
        _ => "never".into(),
    });
    vec![
        names(report),
        Group { title: "longest".into(), columns: vec![silence] },
        Group { title: "longest wait of".into(), columns: waits.collect() },
        Group { title: "last".into(), columns: vec![last] },
    ]
}

/// Three significant digits, in the largest unit up to hours that is not above `nanos`.
#[expect(clippy::cast_precision_loss, reason = "a figure to show")]
pub(super) fn rounded(nanos: u64) -> String {
    const UNITS: [(&str, u64); 6] = [
        ("h", 3_600_000_000_000),
        ("min", 60_000_000_000),
        ("s", 1_000_000_000),
        ("ms", 1_000_000),
        ("us", 1_000),
        ("ns", 1),
    ];
    let Some((unit, size)) = UNITS.into_iter().find(|&(_, size)| nanos >= size) else { return "0".into() };
    let decimals = match nanos / size {
        _ if size == 1 => 0,
        0..10 => 2,
        10..100 => 1,
        _ => 0,
    };
    format!("{:.decimals$} {unit}", nanos as f64 / size as f64)
}

/// A share in per cent with one decimal, cut: less than all is never shown as 100.
pub(super) fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "100.0".into();
    }
    let tenths = u128::from(part) * 1_000 / u128::from(whole);
    format!("{}.{}", tenths / 10, tenths % 10)
}

fn bytes(figures: &Figures) -> String {
    figures.state_bytes.map_or("-".into(), |bytes| bytes.to_string())
}

fn retry(figures: &Figures) -> String {
    let retry = figures.retry;
    match retry.promised {
        0 => "-".into(),
        promised if promised == retry.kept => "100 %".into(),
        promised => format!("{}/{promised} !", retry.kept),
    }
}

fn lines(out: &mut dyn Write, groups: &[Group]) -> io::Result<()> {
    let widths: Vec<Vec<usize>> = groups.iter().map(widths).collect();
    let above = groups.iter().zip(&widths).map(|(group, widths)| {
        format!("{:>1$}", group.title, widths.iter().sum::<usize>() + 2 * (widths.len() - 1))
    });
    writeln!(out, "{}", above.collect::<Vec<_>>().join("  ").trim_end())?;
    let line = |text: &dyn Fn(&Column) -> String| {
        let cells = groups.iter().zip(&widths).flat_map(|(group, widths)| group.columns.iter().zip(widths));
        let cells = cells.enumerate().map(|(place, (column, &width))| match place {
            0 => format!("{:<width$}", text(column)),
            _ => format!("{:>width$}", text(column)),
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    writeln!(out, "{}", line(&|column| column.title.clone()))?;
    let rows = groups.first().and_then(|group| group.columns.first()).map_or(0, |column| column.cells.len());
    for row in 0..rows {
        writeln!(out, "{}", line(&|column| column.cells[row].clone()))?;
    }
    Ok(())
}

/// The width of each column; the first makes room for the group's title.
fn widths(group: &Group) -> Vec<usize> {
    let width = |column: &Column| {
        let cells = column.cells.iter().map(String::len);
        cells.max().unwrap_or(0).max(column.title.len())
    };
    let mut widths: Vec<usize> = group.columns.iter().map(width).collect();
    let together = widths.iter().sum::<usize>() + 2 * (widths.len() - 1);
    if let Some(first) = widths.first_mut() {
        *first += group.title.len().saturating_sub(together);
    }
    widths
}

/// Which one to use, by the figures alone.
fn verdict(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let kept = Kept::of(report);
    say(out, "Over a limit:", &kept.over)?;
    say(out, "Within every limit here, but not on all traffic:", &kept.lucky)?;
    say(out, "Within every limit, always:", &kept.names())?;
    advice(out, &kept.safe)
}

/// Who kept the limits.
pub(super) struct Kept<'a> {
    /// Each with its worst count.
    pub(super) over: Vec<String>,
    /// Those that did on this traffic, and do not on all.
    pub(super) lucky: Vec<String>,
    /// Those that always do.
    safe: Vec<(&'a Row, &'a Figures)>,
}

impl<'a> Kept<'a> {
    pub(super) fn of(report: &'a Report) -> Kept<'a> {
        let (mut over, mut lucky, mut safe) = (Vec::new(), Vec::new(), Vec::new());
        for (row, figures) in report.figures() {
            let limit = |quota: usize| report.policy.quotas()[quota].limit();
            // The worst relative to its limit, told as one example.
            let most = report.violations(figures).reduce(|a, b| {
                let higher =
                    u128::from(b.1) * u128::from(limit(a.0)) > u128::from(a.1) * u128::from(limit(b.0));
                if higher { b } else { a }
            });
            match most {
                Some((quota, count)) => {
                    over.push(format!("{} ({count} in {})", row.name, report.window(quota)));
                }
                None if row.keeps_the_rule => safe.push((row, figures)),
                None => lucky.push(row.name.clone()),
            }
        }
        Kept { over, lucky, safe }
    }

    /// The names of those that always do.
    pub(super) fn names(&self) -> Vec<String> {
        self.safe.iter().map(|(row, _)| row.name.clone()).collect()
    }

    /// Which of them to use, in sentences.
    pub(super) fn advice(&self) -> String {
        let mut text = Vec::new();
        // Into memory: it cannot fail.
        let _ = advice(&mut text, &self.safe);
        String::from_utf8_lossy(&text).replace("\n ", " ")
    }
}

/// The longest line of words.
const COLUMNS: usize = 110;

/// Words on lines that are not too long; those after the first are indented.
pub(super) fn sentence(out: &mut dyn Write, text: &str) -> io::Result<()> {
    let mut column = 0;
    for word in text.split(' ') {
        let more = word.chars().count() + 1;
        if column > 0 && column + more > COLUMNS {
            write!(out, "\n  {word}")?;
            column = 1 + more;
        } else {
            write!(out, "{}{word}", if column > 0 { " " } else { "" })?;
            column += more - usize::from(column == 0);
        }
    }
    writeln!(out)
}

/// A heading and a list, wrapped.
fn say(out: &mut dyn Write, heading: &str, list: &[String]) -> io::Result<()> {
    if list.is_empty() {
        return Ok(());
    }
    write!(out, "{heading}")?;
    let mut column = heading.len();
    for (place, item) in list.iter().enumerate() {
        if column + 2 + item.len() > COLUMNS {
            write!(out, "\n ")?;
            column = 1;
        }
        let end = if place + 1 == list.len() { "." } else { "," };
        write!(out, " {item}{end}")?;
        column += 2 + item.len();
    }
    writeln!(out)
}

/// The first of equals wins, so a lock-free strategy is named before its locked twin.
fn advice(out: &mut dyn Write, safe: &[(&Row, &Figures)]) -> io::Result<()> {
    let most = safe.iter().rev().max_by_key(|(_, figures)| figures.granted);
    let least = safe.iter().rev().min_by_key(|(_, figures)| figures.state_bytes);
    let (Some((generous, most)), Some((small, least))) = (most, least) else {
        return writeln!(out, "None of these strategies keeps this policy.");
    };
    if least.granted == most.granted {
        writeln!(
            out,
            "Use {}: nothing within the limits grants more ({}) or takes less memory ({} bytes).",
            small.name,
            least.granted,
            bytes(least)
        )?;
    } else {
        writeln!(
            out,
            "Use {} for the most grants ({}), or {} for the least memory\n  ({} bytes instead of {}, {} % of \
             the grants).",
            generous.name,
            most.granted,
            small.name,
            bytes(least),
            bytes(most),
            percent(least.granted, most.granted)
        )?;
    }
    pacing(out, safe)
}

/// Nothing where nobody ever waits.
fn pacing(out: &mut dyn Write, safe: &[(&Row, &Figures)]) -> io::Result<()> {
    let silence = |&&(_, figures): &&(&Row, &Figures)| figures.waiting.silence;
    let (shortest, longest) = (safe.iter().rev().min_by_key(silence), safe.iter().rev().max_by_key(silence));
    let (Some((even, least)), Some((uneven, most))) = (shortest, longest) else { return Ok(()) };
    if least.waiting.silence == most.waiting.silence {
        return Ok(());
    }
    writeln!(
        out,
        "A client that waits goes without a call for up to {} under {},\n  {} under {}.",
        rounded(most.waiting.silence),
        uneven.name,
        rounded(least.waiting.silence),
        even.name
    )
}
