//! How threads meet and wait. A concurrency model replaces this file and nothing else.

pub(crate) use core::hint::spin_loop;
#[cfg(not(feature = "portable-atomic"))]
pub(crate) use core::sync::atomic::AtomicU64;
pub(crate) use core::sync::atomic::Ordering;
#[cfg(feature = "portable-atomic")]
pub(crate) use portable_atomic::AtomicU64;

#[cfg(feature = "wait")]
pub(crate) use core::sync::atomic::AtomicUsize;
#[cfg(feature = "wait")]
pub(crate) use std::sync::{Mutex, MutexGuard};
#[cfg(feature = "wait")]
pub(crate) use std::thread::{Thread, current, park_timeout};
