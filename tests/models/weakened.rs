//! Weakened twins: with one ordering of a core's table made `Relaxed`, the same files fail a model.

use crate::explore::explore_broken;
use crate::fault::{Effect, Fault};
use crate::model::{Failure, Model};
use crate::models;
use crate::models::FAR;
use crate::removed::{ONE_WORD, STALE_CLAIM};
use crate::subject::{Subject, status, take};

pub(crate) const ANNOUNCED: &str = "token_bucket/announced.rs";
pub(crate) const LOG: &str = "sliding_log/mod.rs";
pub(crate) const REFUSAL: &str = "sliding_log/refusal.rs";

/// The model fails with this fault: no order of the calls explains the replies, or a thread does not end. The atomics make
/// sure that this is not because of stale values, which a thread reads only for a while.
#[track_caller]
pub(crate) fn caught(model: &Model, fault: Fault) {
    match explore_broken(model, fault) {
        Err(failure @ (Failure::Unexplained(_) | Failure::Endless)) => {
            println!("{}: {fault:?}: {failure:?}", model.name);
        }
        other => panic!("{}: {fault:?}: {other:?}", model.name),
    }
}

fn relaxed(file: &'static str, label: &'static str) -> Fault {
    Fault::new(file, label, Effect::Relaxed)
}

/// Two charges by one thread bring the parity back. The other thread sees the header of the second charge. It must not check
/// TATs from before the first.
const PARITY_RETURNS: Model = Model {
    name: "announced, two charges against one call",
    subject: FAR,
    before: &[],
    threads: &[&[take(1, 1), take(1, 1)], &[take(1, 1)]],
    after: &[status(1)],
    bound: Some(1),
};

/// Three charges in one tick: the stamp must grow, or the third charge brings the first header back.
const TIES: Model = Model {
    name: "announced, three charges in one tick",
    subject: Subject::Nominal(&[(3, 6), (4, 400_000_000)]),
    before: &[take(1, 1)],
    ..PARITY_RETURNS
};

/// The long window comes first, so that an old TAT can hide that the other TAT is new.
const FAR_FIRST: Subject = Subject::Nominal(&[(3, 300_000_000), (2, 4)]);

/// The same for a refusal: it must not be made from an old TAT and a new one.
pub(crate) const TORN_REFUSAL: Model = Model {
    name: "announced, two charges against one refusal",
    subject: FAR_FIRST,
    before: &[take(1, 1)],
    threads: &[&[take(4, 1), take(6, 1)], &[take(2, 2)]],
    after: &[status(7)],
    bound: Some(1),
};

/// A thread that sees the head after the run must see the stamps of the run.
const NEW_HEAD: Model = Model {
    name: "log of four slots, a run against one call",
    subject: Subject::Log(&[(2, 3), (4, 10)]),
    before: &[take(0, 2)],
    threads: &[&[take(10, 2)], &[take(11, 1)]],
    after: &[status(12)],
    bound: Some(3),
};

/// A refusal that is worked out from the slot of its own end, which is claimed by then, and again a lap later.
pub(crate) const LATER_END: Model = Model {
    name: "log of two slots, three permits against a torn refusal",
    subject: Subject::Log(&[(1, 3), (2, 10)]),
    before: &[take(0, 1), take(3, 1)],
    threads: &[&[take(10, 1), take(20, 1), take(30, 1)], &[take(9, 1)]],
    after: &[status(31)],
    bound: Some(1),
};

/// The same at the last slot of a group, where the head lags behind the later claim.
const LATER_ODD_END: Model = Model {
    name: "log of two slots, a torn refusal at the end of a group",
    subject: Subject::Log(&[(1, 3), (2, 10)]),
    before: &[take(0, 1)],
    threads: &[&[take(4, 1), take(10, 1), take(14, 1)], &[take(2, 1)]],
    after: &[status(15)],
    bound: Some(1),
};

/// A refusal that is worked out from the first slot of a run two laps later.
const LATER_CLAIM: Model = Model {
    name: "log of two slots, two runs against one refusal",
    subject: Subject::Log(&[(2, 3)]),
    before: &[take(0, 2)],
    threads: &[&[take(3, 2), take(6, 1)], &[take(1, 1)]],
    after: &[status(7), take(5, 1), take(5, 2)],
    bound: Some(2),
};

/// A refusal that is worked out from the second slot of a run two laps later.
pub(crate) const LATER_FILL: Model = Model {
    name: "log of four slots, two runs against one refusal",
    subject: Subject::Log(&[(4, 3)]),
    before: &[take(0, 4)],
    threads: &[&[take(3, 3), take(6, 2)], &[take(1, 1)]],
    after: &[status(7)],
    bound: Some(1),
};

/// The models that catch a fault hold without one.
#[test]
fn announced_holds() {
    PARITY_RETURNS.holds();
    TIES.holds();
    TORN_REFUSAL.holds();
}

#[test]
fn log_holds() {
    NEW_HEAD.holds();
    LATER_END.holds();
    LATER_ODD_END.holds();
    LATER_CLAIM.holds();
    LATER_FILL.holds();
}

#[test]
fn refusal_holds() {
    REMEMBERED.holds();
    RECALLED.holds();
    RECALLED_BEHIND.holds();
    RECALLED_LATE.holds();
}

#[test]
fn announced_weak_header_load() {
    caught(&PARITY_RETURNS, relaxed(ANNOUNCED, "H"));
}

#[test]
fn announced_weak_tat_load() {
    caught(&TORN_REFUSAL, relaxed(ANNOUNCED, "T"));
}

#[test]
fn announced_weak_apply() {
    caught(&TORN_REFUSAL, relaxed(ANNOUNCED, "A"));
}

#[test]
fn announced_weak_close() {
    caught(&PARITY_RETURNS, relaxed(ANNOUNCED, "D"));
}

#[test]
fn announced_all_relaxed() {
    caught(&PARITY_RETURNS, relaxed(ANNOUNCED, "*"));
}

#[test]
fn log_weak_head_load() {
    caught(&NEW_HEAD, relaxed(LOG, "H"));
}

#[test]
fn log_weak_slot_load() {
    caught(&STALE_CLAIM, relaxed(LOG, "S"));
}

#[test]
fn log_weak_end_load() {
    caught(&LATER_END, relaxed(LOG, "E"));
    caught(&RECALLED_LATE, relaxed(LOG, "E"));
}

#[test]
fn log_weak_claim() {
    caught(&LATER_CLAIM, relaxed(LOG, "C"));
}

#[test]
fn log_weak_fill() {
    caught(&LATER_FILL, relaxed(LOG, "F"));
}

#[test]
fn log_weak_advance() {
    caught(&NEW_HEAD, relaxed(LOG, "A"));
}

#[test]
fn log_all_relaxed() {
    caught(&NEW_HEAD, relaxed(LOG, "*"));
}

/// A refusal that is remembered at one end, and at the next.
const REMEMBERED: Model = Model {
    name: "log, a grant and a refusal against a recalled refusal",
    subject: Subject::Log(&[(1, 3)]),
    before: &[take(0, 1), take(1, 1)],
    threads: &[&[take(3, 1), take(4, 1)], &[take(2, 1), status(2)]],
    after: &[status(4)],
    bound: Some(3),
};

/// The same, by a caller that has seen the next end before.
const RECALLED: Model =
    Model { threads: &[&[take(3, 1), take(4, 1)], &[status(2), take(2, 1)]], ..REMEMBERED };

/// The same where the head lags behind the grant.
pub(crate) const RECALLED_BEHIND: Model = Model {
    name: "log of two slots, a grant against a recalled refusal",
    subject: Subject::Log(&[(2, 3)]),
    before: &[take(0, 1), take(1, 1), take(1, 1)],
    threads: &[&[take(3, 1)], &[status(2), take(2, 1)]],
    after: &[status(4)],
    bound: None,
};

/// The same, a lap later: the slot looks as it did, and only the head tells.
const RECALLED_LATE: Model = Model {
    name: "log of two slots, three grants against a recalled refusal",
    threads: &[&[take(3, 1), take(4, 1), take(6, 1)], &[status(2), take(2, 1)]],
    after: &[status(7)],
    bound: Some(2),
    ..RECALLED_BEHIND
};

#[test]
fn refusal_weak_end_load() {
    caught(&RECALLED, relaxed(REFUSAL, "M"));
}

#[test]
fn refusal_weak_until_load() {
    caught(&REMEMBERED, relaxed(REFUSAL, "U"));
}

#[test]
fn refusal_weak_until_store() {
    caught(&REMEMBERED, relaxed(REFUSAL, "R"));
}

#[test]
fn refusal_weak_end_store() {
    caught(&RECALLED, relaxed(REFUSAL, "O"));
}

/// One word is one location: it needs no ordering at all, and its table says so.
#[test]
fn one_word_needs_no_ordering() {
    use models::{COUNTER_TWO, COUNTER_UNDO, PAIR_TWO, PAIR_UNDO, WORD_TWO, WORD_UNDO};
    for model in [&WORD_TWO, &WORD_UNDO, &PAIR_TWO, &PAIR_UNDO, &COUNTER_TWO, &COUNTER_UNDO] {
        assert!(explore_broken(model, relaxed(ONE_WORD, "*")).is_ok(), "{}", model.name);
    }
}
