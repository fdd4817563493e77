//! Not chosen by hand: all programs of two threads that make two calls each from a menu, on each kind of limiter.

use crate::model::Model;
use crate::spec::Call;
use crate::subject::{Subject, peek, status, take};

struct Menu {
    subject: Subject,
    before: &'static [Call],
    calls: &'static [Call],
    after: &'static [Call],
}

impl Menu {
    /// The number of programs, each of which holds.
    fn hold(&self) -> usize {
        let pairs =
            self.calls.iter().flat_map(|&first| self.calls.iter().map(move |&second| [first, second]));
        let threads: Vec<&[Call]> = pairs.map(|pair| &*Vec::from(pair).leak()).collect();
        let mut programs = 0;
        let mut states = 0;
        for (i, &one) in threads.iter().enumerate() {
            for &other in &threads[i..] {
                let model = Model {
                    name: "a program",
                    subject: self.subject,
                    before: self.before,
                    threads: vec![one, other].leak(),
                    after: self.after,
                    bound: None,
                };
                let explored = model.explore(None);
                let explored =
                    explored.unwrap_or_else(|failure| panic!("{one:?} beside {other:?}: {failure:?}"));
                assert!(explored.several(), "{one:?} beside {other:?}: nothing is concurrent");
                states += explored.states;
                programs += 1;
            }
        }
        println!("{programs} programs, {states} states");
        programs
    }
}

const WORD: Menu = Menu {
    subject: Subject::Strict(2, &[(3, 6), (5, 20)]),
    before: &[take(1, 1)],
    calls: &[take(2, 1), take(4, 2), take(9, 1), peek(4, 1), peek(3, 2), status(5)],
    after: &[status(9), take(9, 1)],
};

const PAIR: Menu = Menu {
    subject: Subject::Nominal(&[(2, 4), (3, 12)]),
    before: &[take(1, 1)],
    calls: &[take(2, 1), take(4, 2), take(9, 1), peek(4, 1), peek(3, 2), status(5)],
    after: &[status(9), take(9, 1)],
};

const ANNOUNCED: Menu = Menu {
    subject: Subject::Nominal(&[(2, 4), (3, 300_000_000)]),
    before: &[take(1, 1)],
    calls: &[take(4, 1), take(2, 2), peek(3, 1)],
    after: &[status(9), take(9, 1)],
};

const ONE_SLOT: Menu = Menu {
    subject: Subject::Log(&[(1, 3)]),
    before: &[take(1, 1)],
    calls: &[take(2, 1), take(4, 1), take(8, 1), peek(5, 1), status(6)],
    after: &[status(9), take(9, 1)],
};

const TWO_SLOTS: Menu = Menu {
    subject: Subject::Log(&[(2, 3)]),
    before: &[take(0, 1)],
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
    assert_eq!(WORD.hold(), 36 * 37 / 2);
}

#[test]
fn every_program_on_a_pair() {
    assert_eq!(PAIR.hold(), 36 * 37 / 2);
}

#[test]
fn every_program_on_announced_buckets() {
    assert_eq!(ANNOUNCED.hold(), 9 * 10 / 2);
}

#[test]
fn every_program_on_a_log_of_one_slot() {
    assert_eq!(ONE_SLOT.hold(), 25 * 26 / 2);
}

#[test]
fn every_program_on_a_log_of_two_slots() {
    assert_eq!(TWO_SLOTS.hold(), 25 * 26 / 2);
}

#[test]
fn every_program_on_a_log_of_four_slots() {
    assert_eq!(FOUR_SLOTS.hold(), 25 * 26 / 2);
}
