//! Atomics in place of `src/sync.rs` that ask what to answer. A call runs as far as the answers go, and is then abandoned.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
pub(crate) use std::sync::atomic::Ordering;

pub(crate) use crate::fault::AtomicU64;
use crate::fault::{Trace, set_fault};
use crate::memory::{Answer, Step};
use crate::model::Failure;
use crate::spec::Reply;

/// How far a call came with the answers it was given.
pub(crate) enum Progress {
    /// It takes this step next. `pauses` says how often it has called `spin_loop`, and `paused` whether since its
    /// last step.
    At {
        step: Step,
        pauses: u32,
        paused: bool,
    },
    Replied(Reply),
    Failed(Failure),
}

enum Mode {
    /// One thread alone, on these values, with so many steps left.
    Alone(Vec<u64>, usize),
    Answered {
        answers: Vec<Answer>,
        given: usize,
        pauses: u32,
        paused: bool,
    },
}

/// Thrown where the answers end.
struct Left(Progress);

/// Thrown where a thread that is alone goes on and on.
struct Endless;

/// More steps than all that is done alone takes.
const STEPS: usize = 100_000;

thread_local! {
    static MODE: RefCell<Mode> = const { RefCell::new(Mode::Alone(Vec::new(), 0)) };
    static TRACE: RefCell<Trace> = RefCell::default();
}

pub(crate) fn with_trace<T>(ask: impl FnOnce(&mut Trace) -> T) -> T {
    TRACE.with_borrow_mut(ask)
}

/// Runs something alone, on atomics of these values, to which new ones are added, and with nothing broken. `None` if it
/// goes on and on.
pub(crate) fn alone<T>(values: &mut Vec<u64>, run: impl FnOnce() -> T) -> Option<T> {
    let fault = set_fault(None);
    MODE.set(Mode::Alone(std::mem::take(values), STEPS));
    let result = catch_unwind(AssertUnwindSafe(run));
    if let Mode::Alone(after, _) = MODE.replace(Mode::Alone(Vec::new(), 0)) {
        *values = after;
    }
    set_fault(fault);
    match result {
        Ok(result) => Some(result),
        Err(panic) if panic.is::<Endless>() => None,
        Err(panic) => resume_unwind(panic),
    }
}

/// Runs a call of a thread as far as the answers go.
pub(crate) fn answered(thread: usize, answers: &[Answer], call: impl FnOnce() -> Reply) -> Progress {
    with_trace(|trace| *trace = Trace::of(thread));
    MODE.set(Mode::Answered { answers: answers.to_vec(), given: 0, pauses: 0, paused: false });
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(reply) => Progress::Replied(reply),
        Err(panic) => match panic.downcast::<Left>() {
            Ok(left) => left.0,
            Err(panic) => Progress::Failed(Failure::of_panic(&*panic)),
        },
    }
}

pub(crate) fn spin_loop() {
    MODE.with_borrow_mut(|mode| {
        if let Mode::Answered { pauses, paused, .. } = mode {
            *pauses += 1;
            *paused = true;
        }
    });
}

/// What a step does where nobody else is, and where its answer is given.
fn take(step: Step, alone: impl FnOnce(&mut [u64]) -> Answer) -> Answer {
    MODE.with_borrow_mut(|mode| match mode {
        Mode::Alone(values, left) => {
            *left = left.checked_sub(1).unwrap_or_else(|| resume_unwind(Box::new(Endless)));
            alone(values)
        }
        Mode::Answered { answers, given, pauses, paused } => match answers.get(*given) {
            Some(answer) => {
                (*given, *paused) = (*given + 1, false);
                *answer
            }
            // Without the panic hook.
            None => resume_unwind(Box::new(Left(Progress::At { step, pauses: *pauses, paused: *paused }))),
        },
    })
}

/// One location, by its place in the memory.
#[derive(Debug)]
pub(crate) struct Word(usize);

impl Word {
    pub(crate) fn new(value: u64) -> Word {
        MODE.with_borrow_mut(|mode| match mode {
            Mode::Alone(values, _) => {
                values.push(value);
                Word(values.len() - 1)
            }
            Mode::Answered { .. } => panic!("a call makes no atomic"),
        })
    }

    pub(crate) fn is_at(&self, at: usize) -> bool {
        self.0 == at
    }

    /// `fresh`: what was written last.
    pub(crate) fn load(&self, order: Ordering, fresh: bool) -> u64 {
        let at = self.0;
        match take(Step::Load { at, order, fresh }, |values| Answer::Read(values[at])) {
            Answer::Read(value) => value,
            Answer::Done | Answer::Failed => unreachable!("a load reads"),
        }
    }

    pub(crate) fn store(&self, value: u64, order: Ordering) {
        let at = self.0;
        take(Step::Store { at, value, order }, |values| {
            values[at] = value;
            Answer::Done
        });
    }

    pub(crate) fn compare_exchange(&self, old: u64, new: u64, success: Ordering, failure: Ordering) -> bool {
        let at = self.0;
        let answer = take(Step::CompareExchange { at, old, new, success, failure }, |values| {
            if values[at] != old {
                return Answer::Failed;
            }
            values[at] = new;
            Answer::Done
        });
        answer == Answer::Done
    }

    pub(crate) fn fetch_max(&self, value: u64, order: Ordering) {
        let at = self.0;
        take(Step::FetchMax { at, value, order }, |values| {
            values[at] = value.max(values[at]);
            Answer::Done
        });
    }
}
