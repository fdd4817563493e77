//! Yields the processor at random atomic operations, so that threads meet in the middle of a decision even on few cores.

use std::cell::{Cell, RefCell};
use std::thread;

/// Far more atomic operations than any call performs, however unlucky.
const ENDLESS: u32 = 1_000_000;

thread_local! {
    static STEPS: Cell<u32> = const { Cell::new(0) };
    static YIELDS: RefCell<Option<fastrand::Rng>> = const { RefCell::new(None) };
}

/// From now on, this thread yields at about every fourth atomic operation.
pub(crate) fn yield_from(seed: u64) {
    YIELDS.set(Some(fastrand::Rng::with_seed(seed)));
}

/// A call begins.
pub(crate) fn begin() {
    STEPS.set(0);
    step();
}

pub(crate) fn step() {
    STEPS.set(STEPS.get() + 1);
    assert!(STEPS.get() < ENDLESS, "a call goes on and on");
    let due = YIELDS.with_borrow_mut(|rng| rng.as_mut().is_some_and(|rng| rng.u8(..4) == 0));
    if due {
        thread::yield_now();
    }
}
