//! All programs of a few threads that make a few calls each from a menu, on each kind of limiter. None is chosen by hand.

use crate::explore::{Reduction, explore_with};
use crate::model::Model;
use crate::models;
use crate::program::Handover;
use crate::spec::Call;
use crate::subject::{Subject, grant, peek, status, take, undo};

struct Menu {
    subject: Subject,
    before: &'static [Call],
    calls: &'static [Call],
    after: &'static [Call],
}

impl Menu {
    /// The number of programs of so many threads with so many calls each, all of which hold. The order of the threads
    /// makes no difference.
    fn hold(&self, threads: usize, calls: usize) -> usize {
        self.explore(threads, calls, &[None])
    }

    /// The same where, in turn, each thread tells each other one of its first call, which waits for that before its last.
    fn hold_told(&self, threads: usize, calls: usize) -> usize {
        let handover = |tells, waits| Handover { tells: (tells, 0), waits: (waits, calls - 1) };
        let pairs = (0..threads).flat_map(|one| (0..threads).map(move |other| (one, other)));
        let handovers: Vec<Option<Handover>> = pairs
            .filter(|(one, other)| one != other)
            .map(|(one, other)| Some(handover(one, other)))
            .collect();
        self.explore(threads, calls, &handovers)
    }

    fn explore(&self, threads: usize, calls: usize, handovers: &[Option<Handover>]) -> usize {
        let all: Vec<&[Call]> = choices(self.calls, calls).into_iter().map(|calls| &*calls.leak()).collect();
        let numbers: Vec<usize> = (0..all.len()).collect();
        let (mut programs, mut states, mut executions) = (0, 0, 0);
        for chosen in choices(&numbers, threads).iter().filter(|chosen| chosen.is_sorted()) {
            let threads: Vec<&[Call]> =
                chosen.iter().zip(0..).map(|(&number, thread)| named(thread, all[number])).collect();
            let model = Model {
                name: "a program",
                subject: self.subject,
                before: self.before,
                threads: threads.leak(),
                after: self.after,
                bound: None,
            };
            for &handover in handovers {
                let explored = explore_with(&model, None, Reduction::Full, handover);
                let explored = explored
                    .unwrap_or_else(|failure| panic!("{:?}, {handover:?}: {failure:?}", model.threads));
                assert!(
                    !explored.outcomes.all().is_empty(),
                    "{:?}, {handover:?}: somebody waits for ever",
                    model.threads
                );
                states += explored.states;
                executions += explored.executions;
            }
            programs += 1;
        }
        println!(
            "{programs} programs of {threads} threads of {calls} calls: {executions} executions, {states} states"
        );
        programs
    }
}

/// The calls of a thread, where its grants have names of their own, and each of its undos is of its latest.
fn named(thread: u8, calls: &[Call]) -> &'static [Call] {
    let mut held = Vec::new();
    let name = |(call, place): (&Call, u8)| match *call {
        Call::Grant { now, n, .. } => {
            held.push(8 * thread + place);
            Call::Grant { now, n, name: 8 * thread + place }
        }
        Call::Undo { .. } => Call::Undo { name: held.pop().unwrap_or(u8::MAX) },
        call => call,
    };
    calls.iter().zip(0..).map(name).collect::<Vec<_>>().leak()
}

/// All ways to choose so many items, one after another.
fn choices<T: Copy>(items: &[T], count: usize) -> Vec<Vec<T>> {
    let longer = |chosen: Vec<T>| items.iter().map(move |&item| [&*chosen, &[item]].concat());
    (0..count).fold(vec![vec![]], |chosen, _| chosen.into_iter().flat_map(longer).collect())
}

const WORD: Menu = Menu {
    subject: models::WORD,
    before: &[take(1, 1)],
    calls: &[take(2, 1), take(4, 2), take(9, 1), peek(4, 1), peek(3, 2), status(5)],
    after: &[status(9), take(9, 1)],
};

const PAIR: Menu = Menu { subject: models::PAIR, ..WORD };

const COUNTER: Menu = Menu {
    subject: models::COUNTER,
    before: &[take(1, 1)],
    calls: &[take(2, 1), take(3, 2), take(9, 1), peek(4, 1), take(0, 1), status(5)],
    after: &[status(9), take(9, 1)],
};

const COUNTER_BY_TWOS: Menu = Menu { subject: models::COUNTER_BY_TWOS, ..COUNTER };

const COUNTER_UNDO: Menu = Menu {
    subject: models::COUNTER,
    calls: &[grant(2, 1, 0), grant(5, 1, 0), undo(0), take(3, 1), status(5)],
    ..COUNTER
};

const WORD_UNDO: Menu =
    Menu { calls: &[grant(2, 1, 0), grant(4, 1, 0), undo(0), take(4, 1), status(5)], ..WORD };

const PAIR_UNDO: Menu = Menu { subject: models::PAIR, ..WORD_UNDO };

const ANNOUNCED: Menu = Menu {
    subject: models::FAR,
    before: &[take(1, 1)],
    calls: &[take(4, 1), take(2, 2), peek(3, 1)],
    after: &[status(9), take(9, 1)],
};

const ONE_SLOT: Menu = Menu {
    subject: Subject::Log(&[(1, 3)]),
    before: &[take(1, 1), take(2, 1)],
    calls: &[take(2, 1), take(4, 1), take(8, 1), peek(5, 1), status(6)],
    after: &[status(9), take(9, 1)],
};

const TWO_SLOTS: Menu = Menu {
    subject: Subject::Log(&[(2, 3)]),
    before: &[take(0, 1), take(0, 1), take(1, 1)],
    calls: &[take(1, 1), take(4, 2), take(8, 1), peek(4, 1), status(6)],
    after: &[status(9), take(9, 1)],
};

const FOUR_SLOTS: Menu = Menu {
    subject: Subject::Log(&[(3, 3), (4, 10)]),
    before: &[take(0, 2)],
    calls: &[take(1, 1), take(4, 2), take(12, 3), peek(4, 1), status(6)],
    after: &[status(13), take(13, 1)],
};

#[test]
fn every_program_on_a_word() {
    assert_eq!(WORD.hold(2, 2), 36 * 37 / 2);
    assert_eq!(WORD.hold(3, 1), 6 * 7 * 8 / 6);
    assert_eq!(WORD.hold(4, 1), 6 * 7 * 8 * 9 / 24);
}

#[test]
fn every_program_on_a_pair() {
    assert_eq!(PAIR.hold(2, 2), 36 * 37 / 2);
    assert_eq!(PAIR.hold(3, 1), 6 * 7 * 8 / 6);
    assert_eq!(PAIR.hold(4, 1), 6 * 7 * 8 * 9 / 24);
}

#[test]
fn every_program_on_a_window_counter() {
    for menu in [&COUNTER, &COUNTER_BY_TWOS] {
        assert_eq!(menu.hold(2, 2), 36 * 37 / 2);
        assert_eq!(menu.hold(3, 1), 6 * 7 * 8 / 6);
        assert_eq!(menu.hold(4, 1), 6 * 7 * 8 * 9 / 24);
    }
}

/// A thread grants and undoes, in any order, whatever the other does meanwhile.
#[test]
fn every_program_that_undoes() {
    for menu in [&WORD_UNDO, &PAIR_UNDO, &COUNTER_UNDO] {
        assert_eq!(menu.hold(2, 2), 25 * 26 / 2);
        assert_eq!(menu.hold(2, 3), 125 * 126 / 2);
        assert_eq!(menu.hold(3, 2), 25 * 26 * 27 / 6);
    }
}

#[test]
fn every_program_on_announced_buckets() {
    assert_eq!(ANNOUNCED.hold(2, 2), 9 * 10 / 2);
}

#[test]
fn every_program_on_a_log_of_one_slot() {
    assert_eq!(ONE_SLOT.hold(2, 2), 25 * 26 / 2);
    assert_eq!(ONE_SLOT.hold(3, 1), 5 * 6 * 7 / 6);
}

#[test]
fn every_program_on_a_log_of_two_slots() {
    assert_eq!(TWO_SLOTS.hold(2, 2), 25 * 26 / 2);
    assert_eq!(TWO_SLOTS.hold(3, 1), 5 * 6 * 7 / 6);
}

#[test]
fn every_program_on_a_log_of_four_slots() {
    assert_eq!(FOUR_SLOTS.hold(2, 2), 25 * 26 / 2);
}

/// Whoever is told of a call, by a store that releases and a load that acquires, must find it made.
#[test]
fn every_program_with_a_handover() {
    assert_eq!(WORD.hold_told(2, 2), 36 * 37 / 2);
    assert_eq!(PAIR.hold_told(2, 2), 36 * 37 / 2);
    assert_eq!(COUNTER.hold_told(2, 2), 36 * 37 / 2);
    assert_eq!(WORD_UNDO.hold_told(2, 2), 25 * 26 / 2);
    assert_eq!(COUNTER_UNDO.hold_told(2, 2), 25 * 26 / 2);
    assert_eq!(PAIR_UNDO.hold_told(2, 2), 25 * 26 / 2);
    assert_eq!(ONE_SLOT.hold_told(2, 2), 25 * 26 / 2);
    assert_eq!(ONE_SLOT.hold_told(3, 1), 5 * 6 * 7 / 6);
    assert_eq!(TWO_SLOTS.hold_told(2, 2), 25 * 26 / 2);
}

#[test]
fn every_program_with_a_handover_on_announced_buckets() {
    assert_eq!(ANNOUNCED.hold_told(2, 2), 9 * 10 / 2);
}
