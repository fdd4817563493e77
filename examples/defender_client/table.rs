//! How is the result shown?

use std::io::{self, Write};
use std::time::Duration;

use super::Row;
use super::args::Args;
use super::client::Fared;
use super::enforcement::quickest;

/// Shows what will be done and how long it takes at least, before it is done.
pub(crate) fn heading(out: &mut dyn Write, args: &Args) -> io::Result<()> {
    let best = args.kinds.iter().map(|&kind| quickest(kind, &args.enforced, args.calls)).max();
    let best = seconds(best.unwrap_or_default());
    writeln!(out, "{} calls by {} tasks, {best} at the least", args.calls, args.tasks)?;
    writeln!(out, "policy: {}\n", args.policy)?;
    out.flush()
}

/// Shows the result, and what to do about a 429.
pub(crate) fn write(out: &mut dyn Write, rows: &[Row], args: &Args) -> io::Result<()> {
    writeln!(out, "                   with a limiter                        without")?;
    writeln!(out, "server       best  429s       took  of best    slowest   429s       took  of best")?;
    for Row { kind, best, limited, naive } in rows {
        writeln!(
            out,
            "{:<6}{:>11}{:>6}{:>11}{:>9}{:>11}{:>7}{:>11}{:>9}",
            kind.name(),
            seconds(*best),
            limited.refused,
            seconds(limited.took),
            share(*best, limited),
            format!("{:.1} ms", limited.slowest.as_secs_f64() * 1e3),
            naive.refused,
            seconds(naive.took),
            share(*best, naive)
        )?;
    }
    let drew = rows.iter().filter(|row| row.limited.refused > 0);
    for row in drew {
        let why = if row.limited.slowest > args.policy.guard() {
            "an answer took longer than the guard, which should be larger"
        } else {
            "the server does not enforce what the client keeps"
        };
        writeln!(out, "\n{}: {} 429s: {why}.", row.kind.name(), row.limited.refused)?;
    }
    out.flush()
}

fn seconds(duration: Duration) -> String {
    format!("{:.2} s", duration.as_secs_f64())
}

/// Cut, not rounded, so that less than the best is never shown as 100 %.
fn share(best: Duration, fared: &Fared) -> String {
    let permille = best.as_nanos() * 1000 / fared.took.as_nanos().max(1);
    format!("{}.{} %", permille / 10, permille % 10)
}
