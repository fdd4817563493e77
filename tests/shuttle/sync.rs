//! Shuttle's atomics, at each of which another thread may take over.

pub(crate) use shuttle::sync::atomic::{AtomicU64, Ordering};
