//! Counts the atomic operations of a thread, and stops the thread for good before one of them.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

thread_local! {
    static STEPS: Cell<u64> = const { Cell::new(0) };
    static LAST: Cell<u64> = const { Cell::new(u64::MAX) };
}

struct Stopped;

pub(crate) fn step() {
    if STEPS.get() == LAST.get() {
        // Nothing in `src/` cleans up when it unwinds, so this leaves what a thread leaves that never runs again.
        resume_unwind(Box::new(Stopped));
    }
    STEPS.set(STEPS.get() + 1);
}

/// What `call` returns within `steps` atomic operations, or `None` if it was stopped before one more.
pub(crate) fn stopped_after<T>(steps: u64, call: impl FnOnce() -> T) -> Option<T> {
    STEPS.set(0);
    LAST.set(steps);
    let outcome = catch_unwind(AssertUnwindSafe(call));
    LAST.set(u64::MAX);
    match outcome {
        Ok(returned) => Some(returned),
        Err(panic) if panic.is::<Stopped>() => None,
        Err(panic) => resume_unwind(panic),
    }
}
