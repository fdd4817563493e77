//! The one line through which atomics enter. A concurrency model replaces this file and nothing else.

pub(crate) use core::sync::atomic::{AtomicU64, Ordering};
