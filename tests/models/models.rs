//! The models. Clocks move and go back. Batches, helping, wrap-around, refusals and readings of the status occur together.

use crate::model::Model;
use crate::subject::{Subject, grant, status, take, undo};

pub(crate) const WORD: Subject = Subject::Strict(2, &[(3, 6), (5, 20)]);
pub(crate) const PAIR: Subject = Subject::Nominal(&[(2, 4), (3, 12)]);
/// Sub-windows of two units, and a tick of one: a permit comes back per 7.
pub(crate) const COUNTER: Subject = Subject::Counter([2, 0, 1], &[(3, 4), (4, 12)]);
/// Counted by twos, in a single quota.
pub(crate) const COUNTER_BY_TWOS: Subject = Subject::Counter([2, 1, 0], &[(5, 4)]);
/// The windows lie too far apart for one word, so the charges are announced.
pub(crate) const FAR: Subject = Subject::Nominal(&[(2, 4), (3, 300_000_000)]);
pub(crate) const THREE: Subject = Subject::Nominal(&[(2, 4), (3, 9), (4, 20)]);

pub(crate) const WORD_TWO: Model = Model {
    name: "word, 2 threads of 2 calls",
    subject: WORD,
    before: &[],
    threads: &[&[take(6, 1), take(16, 2)], &[take(3, 1), status(17)]],
    after: &[status(18), take(20, 1)],
    bound: None,
};

const WORD_THREE: Model = Model {
    name: "word, 3 threads of 2 calls",
    threads: &[&[take(6, 1), take(16, 2)], &[take(3, 1), status(17)], &[take(18, 1), take(11, 2)]],
    bound: Some(3),
    ..WORD_TWO
};

pub(crate) const PAIR_TWO: Model = Model {
    name: "pair, 2 threads of 2 calls",
    subject: PAIR,
    before: &[],
    threads: &[&[take(6, 1), take(13, 2)], &[take(3, 1), status(14)]],
    after: &[status(15), take(20, 1)],
    bound: None,
};

const PAIR_THREE: Model = Model {
    name: "pair, 3 threads of 2 calls",
    threads: &[&[take(6, 1), take(13, 2)], &[take(3, 1), status(14)], &[take(15, 1), take(9, 2)]],
    bound: Some(3),
    ..PAIR_TWO
};

/// The clock of one thread moves into the next sub-windows while the other's is behind.
pub(crate) const COUNTER_TWO: Model = Model {
    name: "window counter, 2 threads of 2 calls",
    subject: COUNTER,
    before: &[take(1, 1)],
    threads: &[&[take(3, 1), take(9, 2)], &[take(2, 1), status(10)]],
    after: &[status(11), take(20, 1), status(20)],
    bound: None,
};

const COUNTER_THREE: Model = Model {
    name: "window counter, 3 threads of 2 calls",
    threads: &[&[take(3, 1), take(9, 2)], &[take(2, 1), status(10)], &[take(6, 1), take(5, 1)]],
    bound: Some(3),
    ..COUNTER_TWO
};

const COUNTER_BY_TWOS_TWO: Model = Model {
    name: "window counter by twos, 2 threads of 2 calls",
    subject: COUNTER_BY_TWOS,
    threads: &[&[take(2, 3), take(7, 2)], &[take(1, 1), status(6)]],
    after: &[status(7), take(9, 3), status(11)],
    ..COUNTER_TWO
};

/// Undone in a later sub-window than that of the grant before, so the epoch goes back.
pub(crate) const COUNTER_UNDO: Model = Model {
    name: "window counter, 2 threads that grant and undo",
    threads: &[&[grant(6, 1, 0), undo(0), take(9, 1)], &[grant(3, 1, 1), undo(1), status(10)]],
    ..COUNTER_TWO
};

pub(crate) const COUNTER_UNDONE: Model = Model {
    name: "window counter, an undo against 2 calls",
    before: &[take(1, 1), grant(4, 1, 0)],
    threads: &[&[undo(0)], &[take(5, 1), take(5, 1)]],
    ..COUNTER_TWO
};

pub(crate) const COUNTER_LOOKED: Model = Model {
    name: "window counter, an undo against a reading",
    threads: &[&[undo(0)], &[status(5)]],
    ..COUNTER_UNDONE
};

/// Two grants are undone while others come and go. A grant is the latest, or another came after it, or another came after it
/// and was undone.
pub(crate) const WORD_UNDO: Model = Model {
    name: "word, 2 threads that grant and undo",
    subject: WORD,
    before: &[take(1, 1)],
    threads: &[&[grant(6, 1, 0), undo(0), take(16, 1)], &[grant(3, 1, 1), undo(1), status(17)]],
    after: &[status(18), take(20, 1)],
    bound: None,
};

pub(crate) const PAIR_UNDO: Model = Model {
    name: "pair, 2 threads that grant and undo",
    subject: PAIR,
    threads: &[&[grant(6, 1, 0), undo(0), take(13, 2)], &[grant(3, 1, 1), undo(1), status(14)]],
    after: &[status(15), take(20, 1)],
    ..WORD_UNDO
};

/// What was granted before the threads is undone while another thread takes, and refuses, permits.
pub(crate) const WORD_UNDONE: Model = Model {
    name: "word, an undo against 2 calls",
    before: &[take(1, 1), grant(2, 1, 0)],
    threads: &[&[undo(0)], &[take(9, 1), take(9, 1)]],
    ..WORD_UNDO
};

pub(crate) const PAIR_UNDONE: Model = Model {
    name: "pair, an undo against 2 calls",
    subject: PAIR,
    before: &[take(1, 1), grant(2, 1, 0)],
    threads: &[&[undo(0)], &[take(4, 1), take(4, 1)]],
    ..PAIR_UNDO
};

/// Nobody is granted anything meanwhile, so it is undone, and a reading finds it in force or not.
pub(crate) const WORD_LOOKED: Model =
    Model { name: "word, an undo against a reading", threads: &[&[undo(0)], &[status(3)]], ..WORD_UNDONE };

pub(crate) const PAIR_LOOKED: Model =
    Model { name: "pair, an undo against a reading", subject: PAIR, ..WORD_LOOKED };

/// A third thread may come between a grant and its undoing, and undo its own in the middle.
const WORD_UNDO_THREE: Model = Model {
    name: "word, 3 threads of which 2 undo",
    threads: &[&[grant(6, 1, 0), undo(0)], &[grant(3, 1, 1), undo(1)], &[take(16, 1), take(11, 1)]],
    bound: Some(2),
    ..WORD_UNDO
};

const PAIR_UNDO_THREE: Model = Model {
    name: "pair, 3 threads of which 2 undo",
    threads: &[&[grant(6, 1, 0), undo(0)], &[grant(3, 1, 1), undo(1)], &[take(13, 1), take(9, 1)]],
    bound: Some(2),
    ..PAIR_UNDO
};

/// One charge after another; the second thread's clock is behind.
pub(crate) const ANNOUNCED_TWO: Model = Model {
    name: "announced, 2 buckets, 2 threads of 2 calls",
    subject: FAR,
    before: &[],
    threads: &[&[take(6, 1), take(8, 1)], &[take(4, 1), status(7)]],
    after: &[status(9), take(9, 2)],
    bound: Some(1),
};

const ANNOUNCED_BATCHES: Model = Model {
    name: "announced, 2 buckets, 2 calls against a batch",
    threads: &[&[take(6, 1), take(13, 2)], &[take(3, 2)]],
    ..ANNOUNCED_TWO
};

const ANNOUNCED_THREE_BUCKETS: Model = Model {
    name: "announced, 3 buckets, 1 call against 1",
    subject: THREE,
    before: &[take(5, 1)],
    threads: &[&[take(6, 1)], &[take(3, 2)]],
    after: &[status(15), take(20, 1)],
    bound: Some(3),
};

const ANNOUNCED_THREE: Model = Model {
    name: "announced, 2 buckets, 3 threads of 1 call",
    threads: &[&[take(6, 1)], &[take(4, 2)], &[take(5, 1)]],
    bound: Some(1),
    ..ANNOUNCED_TWO
};

/// Runs of two wrap round the ring of four; a refusal is due to either quota.
pub(crate) const LOG_TWO: Model = Model {
    name: "log, 2 quotas, 2 threads of 2 calls",
    subject: Subject::Log(&[(2, 3), (3, 10)]),
    before: &[take(1, 2)],
    threads: &[&[take(4, 1), take(12, 2)], &[take(3, 2), take(14, 1)]],
    after: &[status(15), take(20, 1)],
    bound: Some(2),
};

/// The head lags behind until the last of a group of four is granted, which either thread may find not yet told.
pub(crate) const LOG_GROUP: Model = Model {
    name: "log of four slots, 2 threads of 2 calls",
    subject: Subject::Log(&[(4, 6)]),
    before: &[take(0, 1), take(1, 1)],
    threads: &[&[take(2, 1), take(7, 2)], &[take(3, 1), take(7, 1)]],
    after: &[status(8), take(20, 1)],
    bound: Some(2),
};

/// Every permit is a lap: a thread may sleep for one, and for two.
pub(crate) const LOG_LAPS: Model = Model {
    name: "log of one slot, 2 threads of 2 calls",
    subject: Subject::Log(&[(1, 3)]),
    before: &[],
    threads: &[&[take(0, 1), take(2, 1)], &[take(0, 1), take(3, 1)]],
    after: &[status(15), take(20, 1)],
    bound: Some(2),
};

/// Room for all: the clocks go back, and the stamps must not.
pub(crate) const LOG_STALE: Model = Model {
    name: "log, stale clocks",
    subject: Subject::Log(&[(4, 6), (7, 20)]),
    before: &[],
    threads: &[&[take(5, 1), take(3, 2)], &[take(4, 1), status(10)]],
    after: &[status(9), status(10), take(9, 2)],
    bound: Some(2),
};

/// A reading must not be put together from two laps.
pub(crate) const LOG_STATUS: Model = Model {
    name: "log of one slot, 2 permits against a reading",
    subject: Subject::Log(&[(1, 2), (1, 9)]),
    before: &[take(0, 1)],
    threads: &[&[take(9, 1), take(18, 1)], &[status(10)]],
    after: &[status(19)],
    bound: Some(3),
};

/// The same for the buckets.
pub(crate) const ANNOUNCED_STATUS: Model = Model {
    name: "announced, 2 charges against a reading",
    threads: &[&[take(6, 1), take(8, 1)], &[status(7)]],
    before: &[take(4, 1)],
    bound: Some(1),
    ..ANNOUNCED_TWO
};

/// A run, which each of the others may have to carry out, and a lap later a permit.
const LOG_THREE: Model = Model {
    name: "log of two slots, 3 threads of 1 call",
    subject: Subject::Log(&[(2, 3)]),
    before: &[take(0, 1)],
    threads: &[&[take(3, 2)], &[take(1, 1)], &[take(4, 1)]],
    after: &[status(5), take(9, 1)],
    bound: Some(1),
};

/// Permits one by one, on a clock that goes back.
const LOG_THREE_LAPS: Model = Model {
    name: "log of one slot, 3 threads of 1 call",
    subject: Subject::Log(&[(1, 3)]),
    before: &[],
    threads: &[&[take(0, 1)], &[take(3, 1)], &[take(6, 1)]],
    after: &[status(7)],
    bound: Some(1),
};

#[test]
fn word_two_threads() {
    WORD_TWO.holds();
}

#[test]
fn word_three_threads() {
    WORD_THREE.holds();
}

#[test]
fn pair_two_threads() {
    PAIR_TWO.holds();
}

#[test]
fn pair_three_threads() {
    PAIR_THREE.holds();
}

#[test]
fn counter_two_threads() {
    COUNTER_TWO.holds();
    COUNTER_BY_TWOS_TWO.holds();
}

#[test]
fn counter_three_threads() {
    COUNTER_THREE.holds();
}

#[test]
fn counter_undo() {
    COUNTER_UNDO.holds();
    COUNTER_UNDONE.holds();
    COUNTER_LOOKED.holds();
}

#[test]
fn word_undo() {
    WORD_UNDO.holds();
    WORD_UNDONE.holds();
    WORD_LOOKED.holds();
    WORD_UNDO_THREE.holds();
}

#[test]
fn pair_undo() {
    PAIR_UNDO.holds();
    PAIR_UNDONE.holds();
    PAIR_LOOKED.holds();
    PAIR_UNDO_THREE.holds();
}

#[test]
fn announced_two_threads() {
    ANNOUNCED_TWO.holds();
}

#[test]
fn announced_batches() {
    ANNOUNCED_BATCHES.holds();
}

#[test]
fn announced_three_buckets() {
    ANNOUNCED_THREE_BUCKETS.holds();
}

#[test]
fn announced_three_threads() {
    ANNOUNCED_THREE.holds();
}

#[test]
fn log_two_threads() {
    LOG_TWO.holds();
}

#[test]
fn log_groups() {
    LOG_GROUP.holds();
}

#[test]
fn log_stale_clocks() {
    LOG_STALE.holds();
}

#[test]
fn log_status() {
    LOG_STATUS.holds();
}

#[test]
fn announced_status() {
    ANNOUNCED_STATUS.holds();
}

#[test]
fn log_laps() {
    LOG_LAPS.holds();
}

#[test]
fn log_three_threads() {
    LOG_THREE.holds();
    LOG_THREE_LAPS.holds();
}
