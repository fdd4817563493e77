//! Each step of an algorithm is needed: without it a model fails.

use crate::explore::explore_broken;
use crate::fault::{Effect, Fault};
use crate::model::Model;
use crate::models::{
    ANNOUNCED_STATUS, ANNOUNCED_TWO, COUNTER_LOOKED, COUNTER_TWO, COUNTER_UNDONE, FAR, LOG_GROUP, LOG_LAPS,
    LOG_STALE, LOG_STATUS, LOG_TWO, PAIR_LOOKED, PAIR_TWO, PAIR_UNDONE, WORD_LOOKED, WORD_TWO, WORD_UNDONE,
};
use crate::subject::{Subject, status, take};
use crate::weakened::{ANNOUNCED, LATER_END, LATER_FILL, LOG, RECALLED_BEHIND, TORN_REFUSAL, caught};

pub(crate) const ONE_WORD: &str = "algorithm/one_word.rs";

/// Permits one by one: thread 1 is always refused and has nothing to carry out.
const LATER_PERMITS: Model = Model {
    name: "log of two slots, three permits against one refusal",
    subject: Subject::Log(&[(2, 3)]),
    before: &[take(0, 2)],
    threads: &[&[take(3, 1), take(4, 1), take(6, 1)], &[take(1, 1)]],
    after: &[status(7)],
    bound: Some(1),
};

/// Thread 1 finds the log empty, or two laps old and looking as if it could be claimed.
pub(crate) const STALE_CLAIM: Model = Model {
    name: "log of one slot, two permits against a stale one",
    subject: Subject::Log(&[(1, 3)]),
    before: &[],
    threads: &[&[take(0, 1), take(3, 1)], &[take(0, 1)]],
    after: &[status(4), take(6, 1)],
    bound: Some(2),
};

/// Thread 0 claims a run, sleeps while another carries it out and a lap goes by, and goes on.
pub(crate) const SLEEPING_OWNER: Model = Model {
    name: "log of two slots, a run against two runs",
    subject: Subject::Log(&[(2, 3)]),
    before: &[],
    threads: &[&[take(0, 2)], &[take(3, 2), take(6, 2)]],
    after: &[status(7), take(8, 1)],
    bound: Some(2),
};

/// The same with a run of three: each slot is looked at again before it is filled.
const SLEEPING_LONG_OWNER: Model = Model {
    name: "log of four slots, a run against two runs",
    subject: Subject::Log(&[(3, 3)]),
    before: &[],
    threads: &[&[take(0, 3)], &[take(3, 3), take(6, 3)]],
    ..SLEEPING_OWNER
};

/// Thread 0 is granted the last of its group, and sleeps for more than a lap before it advances the head.
const LATE_ADVANCE: Model = Model {
    name: "log of two slots, three permits against a late advance",
    subject: Subject::Log(&[(2, 3)]),
    before: &[take(0, 1)],
    threads: &[&[take(0, 1)], &[take(3, 2), take(6, 1)]],
    after: &[status(7)],
    bound: Some(1),
};

/// A run behind a lagging head, which fills the slot of thread 1's end a lap later.
pub(crate) const LAGGING_RUN: Model = Model {
    name: "log of four slots, two permits and a run against a torn refusal",
    subject: Subject::Log(&[(3, 3), (4, 10)]),
    before: &[take(0, 3), take(3, 1), take(10, 1)],
    threads: &[&[take(10, 1), take(10, 1), take(20, 3)], &[take(9, 1)]],
    after: &[status(21)],
    bound: Some(1),
};

/// The same for a charge.
pub(crate) const SLEEPING_ANNOUNCER: Model = Model {
    name: "announced, a charge against two",
    subject: FAR,
    before: &[],
    threads: &[&[take(1, 1)], &[take(2, 1), take(3, 1)]],
    after: &[status(4), take(9, 1)],
    bound: Some(1),
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
    SLEEPING_LONG_OWNER.holds();
    LATE_ADVANCE.holds();
    LAGGING_RUN.holds();
    SLEEPING_ANNOUNCER.holds();
}

#[test]
fn one_word_without_compare() {
    for model in [&WORD_TWO, &PAIR_TWO, &COUNTER_TWO] {
        caught(model, Fault::new(ONE_WORD, "C", Effect::Overwrites));
    }
}

/// An undo that does not look whether its grant is still the latest.
#[test]
fn undo_without_compare() {
    for model in [&WORD_UNDONE, &PAIR_UNDONE, &COUNTER_UNDONE] {
        caught(model, Fault::new(ONE_WORD, "C", Effect::Overwrites).in_thread(0));
    }
}

/// An undo that changes nothing although its grant is the latest.
#[test]
fn undo_without_exchange() {
    for model in [&WORD_LOOKED, &PAIR_LOOKED, &COUNTER_LOOKED] {
        caught(model, Fault::new(ONE_WORD, "C", Effect::Lost).in_thread(0));
    }
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

/// A charge that leaves no parity in a bucket is never seen to be applied, and nobody can judge any more.
#[test]
fn announced_without_parity() {
    caught(&ANNOUNCED_TWO, Fault::new(ANNOUNCED, "A", Effect::KeepsTopBit));
}

/// Without help the others wait for the announcer, and for ever if it is stopped.
#[test]
fn announced_without_help() {
    caught(&ANNOUNCED_TWO, Fault::new(ANNOUNCED, "AD", Effect::LostByHelper));
}

/// With it they never need the announcer.
#[test]
fn announced_without_owner() {
    let explored = explore_broken(&ANNOUNCED_TWO, Fault::new(ANNOUNCED, "AD", Effect::LostByOwner));
    assert!(explored.is_ok_and(|explored| explored.several()));
}

#[test]
fn log_without_recheck_of_a_refusal() {
    caught(&LATER_PERMITS, unchecked(LOG, Effect::JudgesUnchecked).in_thread(1));
}

#[test]
fn log_without_second_look_at_the_end() {
    let seems_vacant = |capacity| Fault::new(LOG, "E", Effect::SeemsVacant { capacity }).in_thread(1);
    caught(&LATER_END, seems_vacant(2));
    caught(&RECALLED_BEHIND, seems_vacant(2));
}

#[test]
fn log_without_recheck_of_a_claim() {
    caught(&STALE_CLAIM, unchecked(LOG, Effect::JudgesUnchecked).in_thread(1));
}

#[test]
fn log_without_recheck_of_a_run() {
    caught(&SLEEPING_OWNER, unchecked(LOG, Effect::CarriesOutUnchecked));
    caught(&SLEEPING_LONG_OWNER, unchecked(LOG, Effect::CarriesOutUnchecked));
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
    for model in [&LOG_TWO, &LOG_GROUP, &LOG_LAPS] {
        caught(model, Fault::new(LOG, "A", Effect::Lost));
    }
}

#[test]
fn log_without_advance_before_a_run() {
    caught(&LAGGING_RUN, Fault::new(LOG, "A", Effect::LostByHelper).in_thread(0));
}

/// Without help the others wait for the owner, and for ever if it is stopped.
#[test]
fn log_without_help() {
    for model in [&LOG_TWO, &LOG_GROUP, &LOG_LAPS] {
        caught(model, Fault::new(LOG, "FA", Effect::LostByHelper));
    }
}

/// With it they never need the owner.
#[test]
fn log_without_owner() {
    let abandoned = Fault::new(LOG, "FA", Effect::LostByOwner);
    for model in [LOG_TWO, LOG_GROUP, LOG_LAPS] {
        let model = Model { bound: Some(1), ..model };
        assert!(explore_broken(&model, abandoned).is_ok_and(|explored| explored.several()), "{}", model.name);
    }
}

/// A call whose clock is behind must not turn it back for the others.
#[test]
fn log_without_newest_stamp() {
    caught(&LOG_STALE, Fault::new(LOG, "N", Effect::Forgets));
}

#[test]
fn log_without_compare() {
    caught(&LOG_TWO, Fault::new(LOG, "C", Effect::Overwrites));
    caught(&SLEEPING_OWNER, Fault::new(LOG, "F", Effect::Overwrites));
    caught(&LATE_ADVANCE, Fault::new(LOG, "A", Effect::Overwrites));
}

/// A claim that leaves the lap bit as it was is claimed over.
#[test]
fn log_without_lap() {
    caught(&LOG_LAPS, Fault::new(LOG, "C", Effect::KeepsTopBit));
}
