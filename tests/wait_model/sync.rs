//! Shuttle's atomics, locks and threads, at each of which another thread may take over; and the model's time.

use std::sync::Arc;
use std::task::{Wake, Waker};
use std::time::Duration;

pub(crate) use shuttle::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
pub(crate) use shuttle::sync::{Mutex, MutexGuard};

pub(crate) use crate::time::park;

/// Waiting is no step: the scheduler lets a loser come back at any time.
pub(crate) fn spin_loop() {}

/// A thread whose parking the model's time knows of.
pub(crate) struct Thread(shuttle::thread::Thread);

pub(crate) fn current() -> Thread {
    Thread(shuttle::thread::current())
}

impl Thread {
    pub(crate) fn unpark(&self) {
        crate::time::unpark(&self.0);
    }
}

/// The waker of a thread.
pub(crate) struct Unpark(pub(crate) Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Parks until the model's clock is so far, at most.
pub(crate) fn park_timeout(after: Duration) {
    let timeout = crate::time::arm(after, &Waker::from(Arc::new(Unpark(current()))));
    park();
    crate::time::disarm(timeout);
}
