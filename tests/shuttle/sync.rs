//! Shuttle's atomics, at each of which another thread may take over.

pub(crate) use shuttle::sync::atomic::{AtomicU64, Ordering};

/// Waiting is no step: the scheduler lets a loser come back at any time.
pub(crate) fn spin_loop() {}
