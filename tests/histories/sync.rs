//! Atomics that call `hook::step` before each operation. Each test crate decides what a step does.

use std::sync::atomic;

pub(crate) use std::hint::spin_loop;
pub(crate) use std::sync::atomic::Ordering;

use crate::hook::step;

#[derive(Debug)]
pub(crate) struct AtomicU64(atomic::AtomicU64);

impl AtomicU64 {
    pub(crate) fn new(value: u64) -> AtomicU64 {
        AtomicU64(atomic::AtomicU64::new(value))
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
