//! A table of scripts, and one runner for every algorithm and every way to call it.
//!
//! The expected answers are worked out by hand. Where algorithms differ, each has its own column.

#![allow(clippy::too_many_lines, reason = "a script is a table")]

mod oracle;
mod subjects;

use std::sync::Arc;

use oracle::Answer;
use subjects::{Kind, Subject, at, call, policy, refusal};
use tollgate::{Algorithm, Manual, Nanos, RateLimiter};

const US: u64 = 1_000;
const MS: u64 = 1_000_000;
const S: u64 = 1_000_000_000;
/// The interval of the default plan for the reference rule.
const T: u64 = 2_440_677_967;
/// The window counter of the reference rule: a sub-window, a tick, and the interval of its bucket.
const SUB_WINDOW: u64 = TICK << 14;
const TICK: u64 = 1_220_989;
const INTERVAL: u64 = 2032 * TICK;

use Kind::{Counter, FixedWindow, LockedBucket, LockedLog, Log, Nominal, Strict, WindowCounter};

const LOGS: &[Kind] = &[Log, LockedLog];
const BUCKETS: &[Kind] = &[Nominal, LockedBucket];

#[derive(Clone, Debug)]
enum Step {
    /// A call at an instant for so many permits, and its answer.
    Call(u64, u32, Answer),
    /// What is left at an instant: remaining and reset of each quota.
    Left(u64, Vec<(u32, u64)>),
}

/// The reset of a quota that is whole.
const WHOLE: u64 = 0;

fn yes(now: u64, n: u32) -> Step {
    Step::Call(now, n, Answer::Granted)
}

fn no(now: u64, n: u32, quota: usize, retry_at: u64) -> Step {
    Step::Call(now, n, Answer::Denied { quota, retry_at: Some(retry_at) })
}

fn never(now: u64, n: u32, burst: u32) -> Step {
    Step::Call(now, n, Answer::Never { burst })
}

fn left(now: u64, quotas: &[(u32, u64)]) -> Step {
    Step::Left(now, quotas.to_vec())
}

struct Script {
    name: &'static str,
    policy: &'static str,
    /// Whether every instant of a grant is on the grid of every form of the nominal bucket, so that quotas may be
    /// added that never bind and change nothing.
    padded: bool,
    kinds: &'static [Kind],
    steps: Vec<Step>,
}

fn zero_first_call_and_above_burst() -> Vec<Script> {
    let script = |kinds, steps| Script {
        name: "n = 0, the first call, n above the burst, and both sides of a window's end",
        policy: "5/10s",
        padded: true,
        kinds,
        steps,
    };
    vec![
        script(
            LOGS,
            vec![
                left(7 * S, &[(5, WHOLE)]),
                yes(7 * S, 0),
                never(7 * S, 6, 5),
                never(7 * S, u32::MAX, 5),
                left(7 * S, &[(5, WHOLE)]),
                yes(7 * S, 5),
                left(7 * S, &[(0, 17 * S)]),
                yes(7 * S, 0),
                never(7 * S, 6, 5),
                no(7 * S, 1, 0, 17 * S),
                no(7 * S, 5, 0, 17 * S),
                left(17 * S - 1, &[(0, 17 * S)]),
                no(17 * S - 1, 1, 0, 17 * S),
                no(17 * S - 1, 5, 0, 17 * S),
                left(17 * S, &[(5, WHOLE)]),
                yes(17 * S, 5),
                no(17 * S, 1, 0, 27 * S),
            ],
        ),
        script(
            BUCKETS,
            vec![
                left(7 * S, &[(5, WHOLE)]),
                yes(7 * S, 0),
                never(7 * S, 6, 5),
                never(7 * S, u32::MAX, 5),
                left(7 * S, &[(5, WHOLE)]),
                yes(7 * S, 5),
                left(7 * S, &[(0, 17 * S)]),
                yes(7 * S, 0),
                never(7 * S, 6, 5),
                no(7 * S, 1, 0, 9 * S),
                no(7 * S, 5, 0, 17 * S),
                no(9 * S - 1, 1, 0, 9 * S),
                yes(9 * S, 1),
                no(9 * S, 1, 0, 11 * S),
                left(9 * S, &[(0, 19 * S)]),
                left(11 * S - 1, &[(0, 19 * S)]),
                left(11 * S, &[(1, 19 * S)]),
                no(19 * S - 1, 5, 0, 19 * S),
                yes(19 * S, 5),
            ],
        ),
        script(
            &[Strict],
            vec![
                left(7 * S, &[(1, WHOLE)]),
                yes(7 * S, 0),
                never(7 * S, 2, 1),
                never(7 * S, u32::MAX, 1),
                left(7 * S, &[(1, WHOLE)]),
                yes(7 * S, 1),
                left(7 * S, &[(0, 9 * S)]),
                yes(7 * S, 0),
                never(7 * S, 2, 1),
                no(7 * S, 1, 0, 9 * S),
                no(9 * S - 1, 1, 0, 9 * S),
                left(9 * S - 1, &[(0, 9 * S)]),
                left(9 * S, &[(1, WHOLE)]),
                yes(9 * S, 1),
            ],
        ),
        script(
            &[FixedWindow],
            vec![
                left(7 * S, &[(5, WHOLE)]),
                yes(7 * S, 0),
                never(7 * S, 6, 5),
                left(7 * S, &[(5, WHOLE)]),
                yes(7 * S, 5),
                left(7 * S, &[(0, 10 * S)]),
                yes(7 * S, 0),
                never(7 * S, 6, 5),
                no(7 * S, 1, 0, 10 * S),
                no(10 * S - 1, 5, 0, 10 * S),
                yes(10 * S, 5),
                no(10 * S, 1, 0, 20 * S),
            ],
        ),
        script(
            &[Counter],
            vec![
                left(7 * S, &[(5, WHOLE)]),
                yes(7 * S, 0),
                never(7 * S, 6, 5),
                left(7 * S, &[(5, WHOLE)]),
                yes(7 * S, 5),
                left(7 * S, &[(0, 20 * S)]),
                yes(7 * S, 0),
                never(7 * S, 6, 5),
                no(7 * S, 1, 0, 12 * S),
                no(7 * S, 5, 0, 20 * S),
                no(12 * S - 1, 1, 0, 12 * S),
                left(12 * S - 1, &[(0, 20 * S)]),
                left(12 * S, &[(1, 20 * S)]),
                yes(12 * S, 1),
                left(12 * S, &[(0, 30 * S)]),
                no(12 * S, 1, 0, 14 * S),
                no(12 * S, 5, 0, 30 * S),
                yes(14 * S, 1),
            ],
        ),
    ]
}

fn idle_then_burst() -> Vec<Script> {
    let script = |kinds, n, retry_at| Script {
        name: "after a long silence the burst is the same as at first",
        policy: "5/10s",
        padded: true,
        kinds,
        steps: vec![yes(S, n), yes(1000 * S, n), no(1000 * S, 1, 0, retry_at)],
    };
    vec![
        script(LOGS, 5, 1010 * S),
        script(BUCKETS, 5, 1002 * S),
        script(&[Strict], 1, 1002 * S),
        script(&[FixedWindow], 5, 1010 * S),
        script(&[Counter], 5, 1012 * S),
    ]
}

fn stale_now() -> Vec<Script> {
    let script = |kinds, steps| Script {
        name: "a `now` older than the newest grant",
        policy: "5/10s",
        padded: true,
        kinds,
        steps,
    };
    vec![
        script(
            LOGS,
            vec![
                yes(100 * S, 2),
                left(50 * S, &[(3, 110 * S)]),
                yes(50 * S, 1), // stamped 100 s
                left(50 * S, &[(2, 110 * S)]),
                no(50 * S, 3, 0, 110 * S),
                yes(0, 2),
                no(0, 1, 0, 110 * S),
                no(110 * S - 1, 5, 0, 110 * S),
                yes(110 * S, 5),
            ],
        ),
        script(
            BUCKETS,
            vec![
                yes(100 * S, 2), // full again at 104 s
                no(50 * S, 1, 0, 96 * S),
                left(50 * S, &[(0, 104 * S)]),
                no(96 * S - 1, 1, 0, 96 * S),
                yes(96 * S, 1),
                no(96 * S, 1, 0, 98 * S),
                left(96 * S, &[(0, 106 * S)]),
                left(100 * S, &[(2, 106 * S)]),
                yes(100 * S, 2),
                no(100 * S, 1, 0, 102 * S),
            ],
        ),
        script(
            &[Strict],
            vec![
                yes(100 * S, 1),
                no(50 * S, 1, 0, 102 * S),
                no(0, 1, 0, 102 * S),
                left(0, &[(0, 102 * S)]),
                no(102 * S - 1, 1, 0, 102 * S),
                yes(102 * S, 1),
            ],
        ),
        script(
            &[FixedWindow],
            vec![
                yes(102 * S, 2),
                yes(50 * S, 1),
                left(50 * S, &[(2, 110 * S)]),
                no(50 * S, 3, 0, 110 * S),
                yes(0, 2),
                no(0, 1, 0, 110 * S),
                yes(110 * S, 5),
            ],
        ),
        script(
            &[Counter],
            vec![
                yes(102 * S, 2),
                yes(50 * S, 1),
                left(50 * S, &[(2, 120 * S)]),
                yes(0, 2),
                no(0, 1, 0, 112 * S),
                no(112 * S - 1, 1, 0, 112 * S),
                yes(112 * S, 1),
            ],
        ),
    ]
}

fn one_instant() -> Vec<Script> {
    let script = |kinds, two: (u64, u32), one: u64| Script {
        name: "several calls at one instant",
        policy: "5/10s",
        padded: true,
        kinds,
        steps: vec![
            yes(3 * S, 2),
            yes(3 * S, 2),
            no(3 * S, two.1, 0, two.0),
            yes(3 * S, 1),
            no(3 * S, 1, 0, one),
            no(3 * S, 1, 0, one),
        ],
    };
    vec![
        script(LOGS, (13 * S, 2), 13 * S),
        script(BUCKETS, (5 * S, 2), 5 * S),
        script(&[FixedWindow], (10 * S, 2), 10 * S),
        script(&[Counter], (12_500 * MS, 2), 12 * S),
    ]
}

fn two_quotas() -> Vec<Script> {
    let script = |kinds, steps| Script {
        name: "two quotas: all or nothing, and the one that admits last binds",
        policy: "4/1s, 5/10s",
        padded: true,
        kinds,
        steps,
    };
    vec![
        script(
            LOGS,
            vec![
                yes(0, 4),
                left(0, &[(0, S), (1, 10 * S)]),
                no(0, 1, 0, S),
                no(0, 2, 1, 10 * S),
                never(0, 5, 4),
                left(0, &[(0, S), (1, 10 * S)]),
                yes(S, 1),
                left(S, &[(3, 2 * S), (0, 11 * S)]),
                no(S, 1, 1, 10 * S),
                no(10 * S - 1, 4, 1, 10 * S),
                yes(10 * S, 4),
                no(10 * S, 1, 0, 11 * S), // both quotas at 11 s: the first is named
                no(11 * S - 1, 1, 0, 11 * S),
                yes(11 * S, 1),
                no(11 * S, 1, 1, 20 * S),
            ],
        ),
        script(
            BUCKETS,
            vec![
                yes(0, 4),
                left(0, &[(0, S), (1, 8 * S)]),
                no(0, 1, 0, 250 * MS),
                no(0, 2, 1, 2 * S),
                never(0, 5, 4),
                left(0, &[(0, S), (1, 8 * S)]),
                no(250 * MS - 1, 1, 0, 250 * MS),
                yes(250 * MS, 1),
                left(250 * MS, &[(0, 1250 * MS), (0, 10 * S)]),
                no(250 * MS, 1, 1, 2 * S),
                no(250 * MS, 4, 1, 8 * S),
                left(2 * S, &[(4, WHOLE), (1, 10 * S)]),
                yes(2 * S, 1),
                left(2 * S, &[(3, 2250 * MS), (0, 12 * S)]),
            ],
        ),
        script(
            &[Strict],
            vec![
                yes(0, 1),
                no(0, 1, 1, 2 * S),
                never(0, 2, 1),
                left(0, &[(0, 2 * S), (0, 2 * S)]),
                no(2 * S - 1, 1, 1, 2 * S),
                yes(2 * S, 1),
            ],
        ),
        script(
            &[FixedWindow],
            vec![
                yes(0, 4),
                left(0, &[(0, S), (1, 10 * S)]),
                no(0, 1, 0, S),
                no(0, 2, 1, 10 * S),
                never(0, 5, 4),
                yes(S, 1),
                left(S, &[(3, 2 * S), (0, 10 * S)]),
                no(S, 1, 1, 10 * S),
                no(10 * S - 1, 1, 1, 10 * S),
                yes(10 * S, 1),
                yes(19 * S, 3),
                no(19 * S, 2, 0, 20 * S), // both counts end at 20 s: the first is named
            ],
        ),
        script(
            &[Counter],
            vec![
                yes(0, 4),
                left(0, &[(0, 2 * S), (1, 20 * S)]),
                no(0, 1, 0, 1250 * MS),
                never(0, 5, 4),
                no(1250 * MS - 1, 1, 0, 1250 * MS),
                yes(1250 * MS, 1),
                left(1250 * MS, &[(0, 3 * S), (0, 20 * S)]),
                no(1250 * MS, 1, 1, 12 * S),
                no(12 * S - 1, 1, 1, 12 * S),
                yes(12 * S, 1),
            ],
        ),
    ]
}

/// A tie between quotas, in both orders: the first index is named.
fn ties() -> Vec<Script> {
    let bucket = |policy| Script {
        name: "a tie between buckets",
        policy,
        padded: true,
        kinds: BUCKETS,
        steps: vec![
            yes(0, 2),
            yes(S, 1),
            yes(2 * S, 1),
            yes(3 * S, 1),
            no(3 * S, 1, 0, 4 * S),
            yes(4 * S, 1),
        ],
    };
    let log = Script {
        name: "a tie in the log, the longer window first",
        policy: "5/10s, 4/1s",
        padded: true,
        kinds: LOGS,
        steps: vec![yes(0, 4), no(0, 1, 1, S), yes(S, 1), yes(10 * S, 4), no(10 * S, 1, 0, 11 * S)],
    };
    vec![bucket("2/2s, 4/8s"), bucket("4/8s, 2/2s"), log]
}

fn guarded() -> Vec<Script> {
    let script = |kinds, n, retry_at: u64| Script {
        name: "a guard widens every window",
        policy: "4/1s; guard 200ms",
        padded: false,
        kinds,
        steps: vec![
            yes(0, n),
            no(0, 1, 0, retry_at),
            no(S, 4.min(n), 0, 1200 * MS),
            no(1200 * MS - 1, n, 0, 1200 * MS),
            yes(1200 * MS, n),
        ],
    };
    vec![
        script(LOGS, 4, 1200 * MS),
        script(BUCKETS, 4, 300 * MS),
        script(&[FixedWindow], 4, 1200 * MS),
        Script {
            name: "a guard widens every window",
            policy: "4/1s; guard 200ms",
            padded: false,
            kinds: &[Strict],
            steps: vec![yes(0, 1), no(0, 1, 0, 300 * MS), no(300 * MS - 1, 1, 0, 300 * MS), yes(300 * MS, 1)],
        },
    ]
}

/// The longest window first fills minute by minute, then binds.
fn reference_rule() -> Vec<Script> {
    let minutes = || (0..30).map(|minute| yes((10 + 60 * minute) * S, 50));
    let script = |name, kinds, steps| Script { name, policy: "50/1m, 1500/1h", padded: false, kinds, steps };
    let mut hour: Vec<Step> = minutes().collect();
    hour.extend([
        left(1750 * S, &[(0, 1810 * S), (0, 5350 * S)]),
        no(1750 * S, 1, 1, 3610 * S),
        no(1810 * S, 50, 1, 3610 * S),
        no(3610 * S - 1, 1, 1, 3610 * S),
        yes(3610 * S, 50),
        no(3610 * S, 1, 0, 3670 * S), // both at 3670 s
    ]);
    vec![
        script("thirty full minutes fill the hour", LOGS, hour),
        script(
            "off the grid the log stamps late: 8 ns",
            &[Log],
            vec![
                yes(1, 50),
                no(2, 1, 0, 60 * S + 8),
                left(2, &[(0, 60 * S + 8), (1450, 3600 * S + 8)]),
                no(60 * S + 7, 50, 0, 60 * S + 8),
                yes(60 * S + 8, 50),
            ],
        ),
        script(
            "the locked log has no grid",
            &[LockedLog],
            vec![yes(1, 50), no(2, 1, 0, 60 * S + 1), no(60 * S, 1, 0, 60 * S + 1), yes(60 * S + 1, 50)],
        ),
        script(
            "off the grid the pair stamps late: 250 us",
            &[Nominal],
            vec![
                yes(1, 50),
                no(1, 1, 0, 1200 * MS + 250 * US),
                left(1, &[(0, 60 * S + 250 * US), (1449, 120 * S + 250 * US)]),
                left(250 * US, &[(0, 60 * S + 250 * US), (1450, 120 * S + 250 * US)]),
                no(1200 * MS + 250 * US - 1, 1, 0, 1200 * MS + 250 * US),
                yes(1200 * MS + 250 * US, 1),
            ],
        ),
        script(
            "the locked bucket has no grid",
            &[LockedBucket],
            vec![yes(1, 50), no(1, 1, 0, 1200 * MS + 1), no(1200 * MS, 1, 0, 1200 * MS + 1)],
        ),
        script(
            "the strict bucket of the default plan",
            &[Strict],
            vec![
                never(5 * S, 27, 26),
                yes(5 * S, 26),
                no(5 * S, 1, 1, 5 * S + T),
                no(5 * S, 26, 1, 5 * S + 26 * T),
                left(5 * S, &[(0, 5 * S + 26 * T), (0, 5 * S + 26 * T)]),
                no(5 * S + T - 1, 1, 1, 5 * S + T),
                yes(5 * S + T, 1),
                left(5 * S + 4 * T - 1, &[(2, 5 * S + 27 * T), (2, 5 * S + 27 * T)]),
                left(5 * S + 4 * T, &[(3, 5 * S + 27 * T), (3, 5 * S + 27 * T)]),
            ],
        ),
    ]
}

/// 50 a minute is counted in sub-windows of 10 s, seven of which count.
fn window_counter() -> Vec<Script> {
    let script = |name, policy, steps| Script { name, policy, padded: false, kinds: &[WindowCounter], steps };
    vec![
        script(
            "n = 0, the first call, n above the burst, and both sides of a sub-window's end",
            "50/1m",
            vec![
                left(7 * S, &[(50, WHOLE)]),
                yes(7 * S, 0),
                never(7 * S, 51, 50),
                never(7 * S, u32::MAX, 50),
                left(7 * S, &[(50, WHOLE)]),
                yes(7 * S, 50),
                yes(7 * S, 0),
                left(7 * S, &[(0, 70 * S)]),
                no(7 * S, 1, 0, 70 * S),
                no(70 * S - 1, 50, 0, 70 * S),
                left(70 * S - 1, &[(0, 70 * S)]),
                left(70 * S, &[(50, WHOLE)]),
                yes(70 * S, 50),
                no(70 * S, 1, 0, 140 * S),
            ],
        ),
        script(
            "one by one, just before a sub-window ends: they leave a minute later",
            "50/1m",
            (0..50)
                .map(|_| yes(10 * S - 1, 1))
                .chain([no(10 * S - 1, 1, 0, 70 * S), yes(70 * S, 50)])
                .collect(),
        ),
        script(
            "sub-windows leave one after another",
            "50/1m",
            vec![
                yes(5 * S, 10),
                yes(15 * S, 20),
                yes(69 * S, 20),
                no(69 * S, 1, 0, 70 * S),
                no(69 * S, 10, 0, 70 * S),
                no(69 * S, 11, 0, 80 * S),
                no(69 * S, 30, 0, 80 * S),
                no(69 * S, 31, 0, 130 * S),
                left(69 * S, &[(0, 130 * S)]),
                left(70 * S, &[(10, 130 * S)]),
                yes(70 * S, 10),
                no(70 * S, 1, 0, 80 * S),
                yes(80 * S, 20),
                left(80 * S, &[(0, 150 * S)]),
            ],
        ),
        script(
            "after a long silence the burst is the same as at first",
            "50/1m",
            vec![yes(S, 50), yes(1000 * S, 50), no(1000 * S, 1, 0, 1070 * S)],
        ),
        script(
            "a `now` older than the newest grant is judged in the newest sub-window",
            "50/1m",
            vec![
                yes(101 * S, 20),
                left(50 * S, &[(30, 170 * S)]),
                yes(50 * S, 10),
                left(50 * S, &[(20, 170 * S)]),
                no(0, 21, 0, 170 * S),
                yes(0, 20),
                no(0, 1, 0, 170 * S),
                no(170 * S - 1, 50, 0, 170 * S),
                yes(170 * S, 50),
            ],
        ),
        script(
            "two quotas: the counter refuses a permit, the bucket a second burst",
            "50/1m, 1500/1h",
            vec![
                left(0, &[(50, WHOLE), (50, WHOLE)]),
                never(0, 51, 50),
                yes(0, 50),
                left(0, &[(0, 4 * SUB_WINDOW), (0, 50 * INTERVAL)]),
                no(0, 1, 0, 4 * SUB_WINDOW),
                no(0, 50, 1, 50 * INTERVAL),
                no(4 * SUB_WINDOW - 1, 1, 0, 4 * SUB_WINDOW),
                left(4 * SUB_WINDOW, &[(50, WHOLE), (32, 50 * INTERVAL)]),
                yes(4 * SUB_WINDOW, 32),
                no(4 * SUB_WINDOW, 1, 1, 33 * INTERVAL),
                no(33 * INTERVAL - 1, 1, 1, 33 * INTERVAL),
                yes(33 * INTERVAL, 1),
                no(33 * INTERVAL, 1, 1, 34 * INTERVAL),
                // Eighteen are left of the minute, and the seventeenth of them is an interval away.
                no(34 * INTERVAL, 18, 0, 8 * SUB_WINDOW),
            ],
        ),
        script(
            "one by one between two ticks: all of the burst at once",
            "50/1m, 1500/1h",
            (0..50).map(|_| yes(1, 1)).chain([no(1, 1, 0, 4 * SUB_WINDOW)]).collect(),
        ),
        script(
            "a longer quota that the counter keeps is told as the counter's",
            "100/2m, 50/1m",
            vec![
                yes(0, 30),
                left(0, &[(20, 70 * S), (20, 70 * S)]),
                no(0, 21, 1, 70 * S),
                never(0, 51, 50),
                yes(0, 20),
                yes(70 * S, 50),
            ],
        ),
        script(
            "of two quotas with the smallest limit the longer one is counted, and the first is named when it is too small",
            "50/1s, 50/1m",
            vec![yes(0, 50), no(0, 1, 1, 70 * S), never(0, 51, 50), left(0, &[(0, 70 * S), (0, 70 * S)])],
        ),
    ]
}

fn scripts() -> Vec<Script> {
    let mut scripts = zero_first_call_and_above_burst();
    scripts.extend(idle_then_burst());
    scripts.extend(stale_now());
    scripts.extend(one_instant());
    scripts.extend(two_quotas());
    scripts.extend(ties());
    scripts.extend(guarded());
    scripts.extend(reference_rule());
    scripts.extend(window_counter());
    scripts
}

impl Script {
    /// The policy, and where that changes nothing the policy with quotas added that never bind: they turn the nominal
    /// bucket of one word into that of two buckets in a word, and into that of announced charges.
    fn policies(&self) -> Vec<String> {
        let pads = if self.padded { &["", ", 1000/11s", ", 1000/11s, 1000/13s"][..] } else { &[""][..] };
        pads.iter().map(|pad| format!("{}{pad}", self.policy)).collect()
    }

    /// Plays the script. `call` and `status` are the way to reach the algorithm.
    fn play(
        &self,
        what: &str,
        mut call: impl FnMut(u64, u32) -> Answer,
        mut status: impl FnMut(u64) -> tollgate::Status,
    ) {
        for (i, step) in self.steps.iter().enumerate() {
            let place = || format!("{}: {what}, step {i}: {step:?}", self.name);
            match *step {
                Step::Call(now, n, want) => assert_eq!(call(now, n), want, "{}", place()),
                Step::Left(now, ref want) => {
                    let status = status(now);
                    assert_eq!(status.at(), at(now));
                    assert_eq!(status.is_joint(), what.starts_with("Strict"), "{}", place());
                    // One state for all quotas is told once.
                    let want = if status.is_joint() { &want[..1] } else { &want[..] };
                    let reset = |at: Nanos| if at.as_nanos() <= now { WHOLE } else { at.as_nanos() };
                    let got: Vec<(u32, u64)> =
                        status.quotas().iter().map(|left| (left.remaining, reset(left.reset_at))).collect();
                    assert_eq!(got[..want.len()], *want, "{}", place());
                    let least = want.iter().map(|left| left.0).min().unwrap();
                    assert_eq!(status.remaining(), least, "{}", place());
                }
            }
        }
    }

    fn play_with(&self, what: &str, algorithm: &dyn Algorithm) {
        self.play(what, |now, n| call(algorithm, now, n), |now| algorithm.status_at(at(now)));
    }
}

/// Plays every script for each of its algorithms, reached as `each` does it.
fn play_all(each: impl Fn(&Script, &str, Box<dyn Subject>)) {
    for script in scripts() {
        for &kind in script.kinds {
            for text in script.policies() {
                // The strict bucket's status has an entry per quota, all of them alike: nothing to pad.
                let subject = kind.build(policy(&text)).unwrap();
                each(&script, &format!("{kind:?} of {text}"), subject);
            }
        }
    }
}

#[test]
fn by_reference() {
    play_all(|script, what, subject| script.play_with(what, &&*subject));
}

#[test]
fn as_a_trait_object_in_a_box() {
    play_all(|script, what, subject| {
        let boxed: Box<dyn Algorithm> = Box::new(subject);
        script.play_with(what, &boxed);
    });
}

#[test]
fn as_a_shared_trait_object() {
    play_all(|script, what, subject| {
        let shared: Arc<dyn Algorithm> = Arc::new(subject);
        script.play_with(what, &Arc::clone(&shared));
    });
}

#[test]
fn through_a_limiter_with_a_manual_clock() {
    play_all(|script, what, subject| {
        let clock = Manual::new();
        let limiter = RateLimiter::new(subject, clock.clone());
        let again = limiter.clone();
        let call = |now, n| {
            clock.set(at(now));
            let answer = if n == 1 { limiter.try_acquire() } else { again.try_acquire_n(n) };
            match answer {
                Ok(()) => Answer::Granted,
                Err(denied) => refusal(&denied, now, n),
            }
        };
        let status = |now| {
            clock.set(at(now));
            limiter.status()
        };
        script.play(what, call, status);
    });
}

/// The scripts are played on the nominal bucket in each of its three forms.
#[test]
fn every_form_of_the_nominal_bucket_is_played() {
    for form in ["Word(", "Pair(", "Announced("] {
        let mut played = 0;
        for script in scripts().iter().filter(|script| script.kinds.contains(&Nominal)) {
            for text in script.policies() {
                let subject = Nominal.build(policy(&text)).unwrap();
                played += usize::from(format!("{subject:?}").contains(form));
            }
        }
        assert!(played >= 4, "{form} is played {played} times");
    }
}

/// A call for more than several quotas can ever grant names the same one whatever the algorithm: they never
/// admit it, so it is a tie, and the algorithms must agree on what they say of it.
#[test]
fn an_impossible_call_names_the_same_quota_everywhere() {
    for text in ["50/1m, 10/1s", "10/1s, 50/1m", "50/1m, 10/1s, 200/1h"] {
        for n in [51, 201, u32::MAX] {
            let named = |(kind, subject): (Kind, Box<dyn Subject>)| {
                (kind, subject.try_acquire_at(at(0), n).unwrap_err().quota())
            };
            let strict = |&(kind, _): &(Kind, usize)| kind != Strict;
            let named: Vec<(Kind, usize)> = subjects::all(policy(text)).map(named).filter(strict).collect();
            assert!(named.iter().all(|&(_, quota)| quota == named[0].1), "{text}, n = {n}: {named:?}");
        }
    }
}

/// A denial for good names a quota whose limit is below n.
#[test]
fn an_impossible_call_names_a_quota_that_is_too_small() {
    for text in ["50/1m, 10/1s", "10/1s, 50/1m", "50/1m, 10/1s, 200/1h"] {
        for (kind, subject) in subjects::all(policy(text)).filter(|&(kind, _)| kind != Strict) {
            for n in [11, 51, 201] {
                let denied = subject.try_acquire_at(at(0), n).unwrap_err();
                assert_eq!(denied.retry_at(), None);
                assert_eq!(denied.burst(), 10);
                let limit = subject.policy().quotas()[denied.quota()].limit();
                assert!(limit < n, "{kind:?} of {text}: n = {n} is refused because of a quota of {limit}");
            }
        }
    }
}
