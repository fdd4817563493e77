//! The standard atomics in place of `src/sync.rs`, with a hook before each operation.

use std::cell::{Cell, RefCell};

pub(crate) use std::hint::spin_loop;
pub(crate) use std::sync::atomic::Ordering;

/// Told how many operations there were before.
type Hook = Box<dyn FnMut(u64)>;

thread_local! {
    static STEPS: Cell<u64> = const { Cell::new(0) };
    static HOOK: RefCell<Option<Hook>> = const { RefCell::new(None) };
}

/// Runs `hook` before each atomic operation of this thread, with the number of those already done.
pub(crate) fn before_each_step(hook: impl FnMut(u64) + 'static) {
    STEPS.set(0);
    HOOK.set(Some(Box::new(hook)));
}

/// Removes the hook; the number of atomic operations since it was set.
pub(crate) fn steps() -> u64 {
    HOOK.set(None);
    STEPS.get()
}

fn step() {
    HOOK.with_borrow_mut(|hook| {
        if let Some(hook) = hook {
            hook(STEPS.get());
            STEPS.set(STEPS.get() + 1);
        }
    });
}

#[derive(Debug)]
pub(crate) struct AtomicU64(std::sync::atomic::AtomicU64);

impl AtomicU64 {
    pub(crate) fn new(value: u64) -> AtomicU64 {
        AtomicU64(std::sync::atomic::AtomicU64::new(value))
    }

    pub(crate) fn load(&self, order: Ordering) -> u64 {
        step();
        self.0.load(order)
    }

    pub(crate) fn compare_exchange(
        &self,
        old: u64,
        new: u64,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u64, u64> {
        step();
        self.0.compare_exchange(old, new, success, failure)
    }

    pub(crate) fn fetch_max(&self, value: u64, order: Ordering) -> u64 {
        step();
        self.0.fetch_max(value, order)
    }
}
