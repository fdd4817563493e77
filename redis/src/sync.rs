//! How threads meet. A concurrency model replaces this file and nothing else.

pub(crate) use core::hint::spin_loop;
pub(crate) use core::sync::atomic::{AtomicU64, Ordering};
