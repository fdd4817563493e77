//! Each step of an algorithm is needed: without it a model fails.

use crate::model::Model;
use crate::models::{
    ANNOUNCED_STATUS, ANNOUNCED_TWO, FAR, LOG_LAPS, LOG_STATUS, LOG_TWO, PAIR_TWO, WORD_TWO,
};
use crate::subject::{Subject, status, take};
use crate::sync::{Effect, Fault};
use crate::weakened::{ANNOUNCED, LATER_FILL, LOG, TORN_REFUSAL, caught};

const WORD: &str = "token_bucket/word.rs";
const PAIR: &str = "token_bucket/pair.rs";

/// Permits one by one: thread 1 is always refused and has nothing to carry out.
const LATER_PERMITS: Model = Model {
    name: "log of two slots, three permits against one refusal",
    subject: Subject::Log(&[(2, 3)]),
    before: &[take(0, 2)],
    threads: &[&[take(3, 1), take(4, 1), take(6, 1)], &[take(1, 1)]],
    after: &[status(7)],
    bound: Some(2),
};

/// Thread 1 finds the log empty, or two laps old and looking as if it could be claimed.
const STALE_CLAIM: Model = Model {
    name: "log of one slot, two permits against a stale one",
    subject: Subject::Log(&[(1, 3)]),
    before: &[],
    threads: &[&[take(0, 1), take(3, 1)], &[take(0, 1)]],
    after: &[status(4), take(6, 1)],
    bound: Some(3),
};

/// Thread 0 claims a run, sleeps while another carries it out and a lap goes by, and goes on.
const SLEEPING_OWNER: Model = Model {
    name: "log of two slots, a run against two runs",
    subject: Subject::Log(&[(2, 3)]),
    before: &[],
    threads: &[&[take(0, 2)], &[take(3, 2), take(6, 2)]],
    after: &[status(7), take(8, 1)],
    bound: Some(3),
};

/// The same for a charge.
const SLEEPING_ANNOUNCER: Model = Model {
    name: "announced, a charge against two",
    subject: FAR,
    before: &[],
    threads: &[&[take(1, 1)], &[take(2, 1), take(3, 1)]],
    after: &[status(4), take(9, 1)],
    bound: Some(2),
};

fn unchecked(file: &'static str, effect: Effect) -> Fault {
    Fault::new(file, "V", effect)
}

/// What catches a missing step holds with it.
#[test]
fn sleepers_hold() {
    LATER_PERMITS.holds();
    STALE_CLAIM.holds();
    SLEEPING_OWNER.holds();
    SLEEPING_ANNOUNCER.holds();
}

#[test]
fn word_without_compare() {
    caught(&WORD_TWO, Fault::new(WORD, "C", Effect::Overwrites));
}

#[test]
fn pair_without_compare() {
    caught(&PAIR_TWO, Fault::new(PAIR, "C", Effect::Overwrites));
}

#[test]
fn announced_without_recheck_of_a_refusal() {
    caught(&TORN_REFUSAL, unchecked(ANNOUNCED, Effect::JudgesUnchecked).in_thread(1));
}

#[test]
fn announced_without_recheck_of_a_charge() {
    caught(&SLEEPING_ANNOUNCER, unchecked(ANNOUNCED, Effect::CarriesOutUnchecked));
}

#[test]
fn announced_without_recheck_of_a_reading() {
    caught(&ANNOUNCED_STATUS, unchecked(ANNOUNCED, Effect::JudgesUnchecked).in_thread(1));
}

#[test]
fn announced_without_apply() {
    caught(&ANNOUNCED_TWO, Fault::new(ANNOUNCED, "A", Effect::Lost));
}

#[test]
fn announced_without_close() {
    caught(&ANNOUNCED_TWO, Fault::new(ANNOUNCED, "D", Effect::Lost));
}

#[test]
fn announced_without_compare() {
    for site in ["N", "A", "D"] {
        caught(&ANNOUNCED_TWO, Fault::new(ANNOUNCED, site, Effect::Overwrites));
    }
}

/// A charge that leaves no parity in a bucket is applied again by each helper.
#[test]
fn announced_without_parity() {
    caught(&ANNOUNCED_TWO, Fault::new(ANNOUNCED, "A", Effect::KeepsTopBit));
}

#[test]
fn log_without_recheck_of_a_refusal() {
    caught(&LATER_PERMITS, unchecked(LOG, Effect::JudgesUnchecked).in_thread(1));
}

#[test]
fn log_without_recheck_of_a_claim() {
    caught(&STALE_CLAIM, unchecked(LOG, Effect::JudgesUnchecked).in_thread(1));
}

#[test]
fn log_without_recheck_of_a_run() {
    caught(&SLEEPING_OWNER, unchecked(LOG, Effect::CarriesOutUnchecked));
}

#[test]
fn log_without_recheck_of_a_reading() {
    caught(&LOG_STATUS, unchecked(LOG, Effect::JudgesUnchecked).in_thread(1));
}

#[test]
fn log_without_fill() {
    caught(&LATER_FILL, Fault::new(LOG, "F", Effect::Lost));
}

#[test]
fn log_without_advance() {
    caught(&LOG_TWO, Fault::new(LOG, "A", Effect::Lost));
}

#[test]
fn log_without_compare() {
    caught(&LOG_TWO, Fault::new(LOG, "C", Effect::Overwrites));
    caught(&SLEEPING_OWNER, Fault::new(LOG, "F", Effect::Overwrites));
    caught(&SLEEPING_OWNER, Fault::new(LOG, "A", Effect::Overwrites));
}

/// A claim that leaves the lap bit as it was is claimed over.
#[test]
fn log_without_lap() {
    caught(&LOG_LAPS, Fault::new(LOG, "C", Effect::KeepsTopBit));
}
