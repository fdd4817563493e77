//! Every answer and every status of the log, and of the locked log, is the one that the oracle gives.

use tollgate::{Algorithm, BuildError, SlidingLog};

use super::bytes::Bytes;
use super::history::{History, policy};
use super::left::assert_left;
use crate::oracle::{Answer, ExactLog, Grid, busiest, effective};
use crate::subjects::{at, call, rules};

pub fn sliding_log(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let policy = policy(&mut bytes);
    match (SlidingLog::new(policy), Grid::of_log(&rules(&policy))) {
        (Ok(log), Some(grid)) => check_log(&log, grid, History::new(&policy, bytes)),
        (Err(BuildError::Unrepresentable { .. }), None) => {}
        (log, grid) => panic!("{log:?} though the grid of {policy} is {grid:?}"),
    }
}

/// The oracle looks at each permit for each permit; a history ends where that would take long.
const MOST_PERMITS: usize = 64;

pub fn check_log(log: &impl Algorithm, grid: Grid, mut history: History<'_>) {
    let mut exact = ExactLog::new(history.rules(), grid);
    let mut granted = Vec::new();
    while let Some((now, n)) = history.next() {
        let before = log.status_at(at(now));
        let answer = call(log, now, n);
        assert_eq!(answer, exact.call(now, n), "at {now} for {n} under {}", log.policy());
        let after = log.status_at(at(now));
        assert_left(&after, now, &exact.left(now), |instant| {
            u64::try_from(instant).ok().filter(|_| instant <= grid.end)
        });
        if answer == Answer::Granted && n > 0 {
            granted.push((now, n));
        } else {
            assert_eq!(before, after, "{answer:?} at {now} for {n} changed the log");
        }
        history.heard(answer);
        if exact.stamps.len() > MOST_PERMITS && exact.stamps.first() != exact.stamps.last() {
            break;
        }
    }
    for granted in [effective(&granted), granted] {
        for rule in history.rules() {
            assert!(busiest(&granted, rule.window) <= u64::from(rule.limit), "{rule:?}: {granted:?}");
        }
    }
}
