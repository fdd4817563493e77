//! Something to do before each atomic operation of a thread.

use std::cell::{Cell, RefCell};

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

/// Removes the hook.
pub(crate) fn unhook() {
    HOOK.set(None);
}

pub(crate) fn step() {
    HOOK.with_borrow_mut(|hook| {
        if let Some(hook) = hook {
            hook(STEPS.get());
            STEPS.set(STEPS.get() + 1);
        }
    });
}
