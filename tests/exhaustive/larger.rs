//! Models that are too large for a checker that tries every execution.

use crate::model::Model;
use crate::models::{PAIR, THREE, WORD};
use crate::subject::{Subject, peek, status, take};

const WORD_FOUR: Model = Model {
    name: "word, 4 threads of 2 calls",
    subject: WORD,
    before: &[],
    threads: &[
        &[take(6, 1), take(16, 2)],
        &[take(3, 1), status(17)],
        &[take(18, 1), take(11, 2)],
        &[take(9, 1), peek(12, 2)],
    ],
    after: &[status(18), take(20, 1)],
    bound: None,
};

const PAIR_FOUR: Model = Model { name: "pair, 4 threads of 2 calls", subject: PAIR, ..WORD_FOUR };

const LOG_THREE_TWICE: Model = Model {
    name: "log of one slot, 3 threads of 2 calls",
    subject: Subject::Log(&[(1, 3)]),
    before: &[],
    threads: &[&[take(0, 1), take(3, 1)], &[take(3, 1), take(6, 1)], &[take(0, 1), status(6)]],
    after: &[status(7), take(12, 1)],
    bound: None,
};

const LOG_FOUR: Model = Model {
    name: "log of one slot, 4 threads of 1 call",
    subject: Subject::Log(&[(1, 3)]),
    before: &[],
    threads: &[&[take(0, 1)], &[take(3, 1)], &[take(6, 1)], &[take(1, 1)]],
    after: &[status(7)],
    bound: None,
};

const LOG_RUNS: Model = Model {
    name: "log of two slots, 3 threads of 2 calls",
    subject: Subject::Log(&[(2, 3)]),
    before: &[],
    threads: &[&[take(0, 2), take(6, 1)], &[take(3, 2), peek(4, 1)], &[take(1, 1), take(6, 2)]],
    after: &[status(7), take(12, 1)],
    bound: None,
};

/// The second run fills slots further before the head than the head lags behind.
const LOG_LONG_RUNS: Model = Model {
    name: "log of eight slots, two runs against one refusal",
    subject: Subject::Log(&[(6, 3)]),
    before: &[take(0, 6)],
    threads: &[&[take(3, 3), take(6, 6)], &[take(1, 1)]],
    after: &[status(7)],
    bound: None,
};

const ANNOUNCED_LARGE: Model = Model {
    name: "announced, 3 buckets, 2 threads of 2 calls",
    subject: THREE,
    before: &[take(5, 1)],
    threads: &[&[take(6, 1), take(8, 1)], &[take(3, 2), status(9)]],
    after: &[status(15), take(20, 1)],
    bound: None,
};

#[test]
fn four_threads_on_a_word() {
    WORD_FOUR.holds();
    PAIR_FOUR.holds();
}

#[test]
fn three_threads_of_two_calls_on_a_log_of_one_slot() {
    LOG_THREE_TWICE.holds();
}

#[test]
fn four_threads_on_a_log_of_one_slot() {
    LOG_FOUR.holds();
}

#[test]
#[ignore = "43 million states: minutes, and 4 GB"]
fn runs_of_three_threads() {
    LOG_RUNS.holds();
}

#[test]
fn long_runs_against_a_refusal() {
    LOG_LONG_RUNS.holds();
}

#[test]
fn two_calls_on_three_announced_buckets() {
    ANNOUNCED_LARGE.holds();
}
