//! Many programs, chosen at random but always the same: a few threads that call a table of one set, each with a clock
//! of its own.

use crate::explore::{explore, explore_broken};
use crate::fault::Fault;
use crate::model::{Failure, Model};
use crate::spec::{Call, Key, owes, take};
use crate::subject::Subject;

const AFTER: &[Call] = &[Call::Slots, owes(0), owes(1), owes(2), owes(3)];

/// Programs of so many threads and calls, with a set that is full of debts, partly or not at all.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) subject: Subject,
    pub(crate) threads: usize,
    pub(crate) calls: usize,
    /// Grants are handed back now and then, which the table does not offer.
    pub(crate) undoes: bool,
}

pub(crate) const TWO: Shape = Shape { subject: Subject::Two, threads: 2, calls: 3, undoes: false };
pub(crate) const THREE: Shape = Shape { subject: Subject::Three, ..TWO };
pub(crate) const TWO_OF_THREE: Shape = Shape { threads: 3, calls: 2, ..TWO };
pub(crate) const THREE_OF_THREE: Shape = Shape { threads: 3, calls: 2, ..THREE };

impl Shape {
    pub(crate) fn program(self, seed: u64) -> Model {
        let mut rng = fastrand::Rng::with_seed(seed);
        let slots = if self.subject == Subject::Two { 2 } else { 3 };
        let keys: Key = rng.usize(2..=4);
        let before: Vec<Call> =
            (0..rng.usize(0..=slots)).map(|key| take(key, rng.u64(0..3), rng.u64(1..=2))).collect();
        let mut thread = || {
            // Stale or ahead, and it may stand still.
            let mut now = rng.u64(0..8);
            let mut call = || {
                now += rng.u64(0..3);
                let (key, n) = (rng.usize(0..keys), rng.u64(1..=2));
                if self.undoes && rng.bool() { Call::TakeAndUndo { key, now, n } } else { take(key, now, n) }
            };
            let calls: Vec<Call> = (0..self.calls).map(|_| call()).collect();
            &*calls.leak()
        };
        let threads: Vec<&[Call]> = (0..self.threads).map(|_| thread()).collect();
        Model {
            name: "a program",
            subject: self.subject,
            before: before.leak(),
            threads: threads.leak(),
            after: AFTER,
            bound: Some(2),
        }
    }

    /// Every execution of the first `count` programs keeps what is promised.
    pub(crate) fn holds(self, count: u64) {
        let mut concurrent = 0;
        for seed in 0..count {
            let model = self.program(seed);
            match explore(&model) {
                Ok(explored) => concurrent += u64::from(explored.several()),
                Err(failure) => panic!("{:?} then {:?}: {failure:?}", model.before, model.threads),
            }
        }
        println!("{count} programs, {concurrent} of which have several outcomes");
        assert!(concurrent > count / 2, "nothing is concurrent");
    }

    /// One of the first `count` programs breaks a promise where this is wrong, and so without waiting for ever.
    #[track_caller]
    pub(crate) fn catches(self, fault: Option<Fault>, count: u64) {
        for seed in 0..count {
            let model = self.program(seed);
            let explored = match fault {
                Some(fault) => explore_broken(&model, fault),
                None => explore(&model),
            };
            if let Err(failure) = explored {
                assert!(matches!(failure, Failure::Unexplained(_)), "{failure:?}");
                println!(
                    "{fault:?}: program {seed}, {:?} then {:?}: {failure:?}",
                    model.before, model.threads
                );
                return;
            }
        }
        panic!("{fault:?} is not caught in {count} programs");
    }
}
