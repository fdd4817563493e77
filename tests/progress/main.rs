//! Lock-freedom: a thread may be stopped for good before any atomic operation of its decision. The other threads go on.
//! Each of their calls takes a bounded number of operations and gets the exact answer.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    unused_imports,
    clippy::large_types_passed_by_value,
    reason = "the library's public items are private and partly unused here"
)]

extern crate alloc;

mod hook;
#[path = "../histories/sync.rs"]
mod sync;

#[path = "../../src/nanos.rs"]
mod nanos;
#[path = "../../src/quota/mod.rs"]
mod quota;

#[path = "../../src/decision.rs"]
mod decision;

#[path = "../../src/algorithm/mod.rs"]
mod algorithm;

#[path = "../models/spec.rs"]
mod spec;
#[path = "../models/subject.rs"]
mod subject;

mod locked;
mod stops;

use stops::{Case, Stops};
use subject::{Subject, status, take};

const WORD: Case = Case {
    subject: Subject::Strict(2, &[(3, 6), (5, 20)]),
    before: &[take(5, 1)],
    stopped: take(6, 1),
    second: take(11, 1),
    after: &[status(7), take(7, 1), take(8, 1), take(10, 1), take(20, 2), status(20), take(21, 1)],
};

const PAIR: Case = Case {
    subject: Subject::Nominal(&[(2, 4), (3, 12)]),
    before: &[take(5, 1)],
    stopped: take(6, 1),
    second: take(9, 1),
    after: &[status(7), take(7, 1), take(7, 2), take(9, 1), take(20, 2), status(20), take(21, 1)],
};

const COUNTER: Case = Case {
    subject: Subject::Counter([2, 0, 1], &[(3, 4), (4, 12)]),
    before: &[take(1, 1)],
    stopped: take(3, 1),
    second: take(6, 1),
    after: &[status(7), take(7, 1), take(8, 2), take(16, 2), status(20), take(30, 3)],
};

const ANNOUNCED: Case = Case {
    subject: Subject::Nominal(&[(2, 4), (3, 9), (4, 20)]),
    before: &[take(5, 1)],
    stopped: take(6, 1),
    second: take(9, 1),
    after: &[status(7), take(7, 1), take(7, 2), take(9, 1), take(20, 2), status(20), take(21, 1)],
};

/// Single permits, with a refusal remembered before the stop.
const LOG: Case = Case {
    subject: Subject::Log(&[(2, 3), (3, 10)]),
    before: &[take(0, 2), take(2, 1)],
    stopped: take(4, 1),
    second: take(11, 1),
    after: &[take(5, 1), status(5), take(5, 1), take(10, 2), take(15, 1), status(15), take(16, 2)],
};

/// The same for the last of a group: the others have to advance the head.
const LAST: Case = Case {
    subject: Subject::Log(&[(2, 3), (3, 10)]),
    before: &[take(0, 2), take(3, 1), take(4, 1)],
    stopped: take(10, 1),
    second: take(13, 1),
    after: &[take(11, 1), status(11), take(11, 1), take(13, 2), take(20, 1), status(20), take(23, 2)],
};

/// Batches: the others have to fill slots.
const BATCHES: Case = Case {
    subject: Subject::Log(&[(4, 6), (6, 20)]),
    before: &[take(0, 2)],
    stopped: take(7, 3),
    second: take(21, 3),
    after: &[take(8, 1), take(8, 3), status(8), take(14, 3), take(21, 3), status(21), take(40, 4)],
};

const ONE_SLOT: Case = Case {
    subject: Subject::Log(&[(1, 3)]),
    before: &[take(0, 1), take(1, 1), take(3, 1)],
    stopped: take(6, 1),
    second: take(9, 1),
    after: &[take(6, 1), take(8, 1), status(8), take(9, 1), take(12, 1), take(13, 1), status(13)],
};

const TWO_SLOTS: Case = Case {
    subject: Subject::Log(&[(2, 3)]),
    before: &[take(0, 1), take(1, 2), take(3, 1), take(4, 1)],
    stopped: take(7, 2),
    second: take(10, 2),
    after: &[take(8, 1), take(8, 2), status(8), take(10, 2), take(13, 1), take(13, 1), status(14)],
};

const CASES: [(&str, &Case); 9] = [
    ("word", &WORD),
    ("pair", &PAIR),
    ("window counter", &COUNTER),
    ("announced", &ANNOUNCED),
    ("log", &LOG),
    ("log, last of a group", &LAST),
    ("log, batches", &BATCHES),
    ("log of one slot", &ONE_SLOT),
    ("log of two slots", &TWO_SLOTS),
];

#[test]
fn one_stopped_thread_stops_nobody() {
    for (name, case) in CASES {
        let Stops { tried, effective } = case.one();
        println!("{name}: {tried} stops, of which {effective} grants took effect");
        assert!(tried >= 2);
        // One word changes in the last operation, as does the log within a group; else others finish what was begun.
        assert_eq!(effective > 0, !matches!(name, "word" | "pair" | "window counter" | "log"));
    }
}

#[test]
fn two_stopped_threads_stop_nobody() {
    for (name, case) in CASES {
        let tried = case.two();
        println!("{name}: {tried} pairs of stops");
        assert!(tried >= 4);
    }
}
