//! Atomics in place of `src/sync.rs` that a test can read and set: together they are the state of a limiter.

use std::cell::RefCell;
use std::panic::Location;
use std::sync::{Arc, atomic};

pub(crate) use std::hint::spin_loop;
pub(crate) use std::sync::atomic::Ordering;

#[derive(Debug)]
pub(crate) struct AtomicU64(Arc<atomic::AtomicU64>);

/// The words of one limiter, in the order in which they were made.
pub(crate) struct Words(Vec<Word>);

struct Word {
    value: Arc<atomic::AtomicU64>,
    /// Remembers what could be worked out again, so a refusal may write it.
    memory: bool,
}

thread_local! {
    static MADE: RefCell<Vec<Word>> = const { RefCell::new(Vec::new()) };
}

impl Words {
    /// What `build` builds, and the words in it: not those of forms that were tried and dropped.
    pub(crate) fn of<T>(build: impl FnOnce() -> T) -> (T, Words) {
        MADE.with_borrow_mut(Vec::clear);
        let limiter = build();
        let mut made = MADE.take();
        made.retain(|word| Arc::strong_count(&word.value) > 1);
        (limiter, Words(made))
    }

    pub(crate) fn read(&self) -> Vec<u64> {
        self.0.iter().map(|word| word.value.load(Ordering::Relaxed)).collect()
    }

    pub(crate) fn set(&self, values: &[u64]) {
        for (word, &value) in self.0.iter().zip(values) {
            word.value.store(value, Ordering::Relaxed);
        }
    }

    /// Whether two states differ in nothing but what is remembered.
    pub(crate) fn same_but_for_memory(&self, a: &[u64], b: &[u64]) -> bool {
        self.0.iter().zip(a.iter().zip(b)).all(|(word, (a, b))| word.memory || a == b)
    }
}

impl AtomicU64 {
    #[track_caller]
    pub(crate) fn new(value: u64) -> AtomicU64 {
        let value = Arc::new(atomic::AtomicU64::new(value));
        let memory = Location::caller().file().ends_with("refusal.rs");
        MADE.with_borrow_mut(|made| made.push(Word { value: Arc::clone(&value), memory }));
        AtomicU64(value)
    }

    pub(crate) fn load(&self, order: Ordering) -> u64 {
        self.0.load(order)
    }

    pub(crate) fn compare_exchange(
        &self,
        old: u64,
        new: u64,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u64, u64> {
        self.0.compare_exchange(old, new, success, failure)
    }

    pub(crate) fn fetch_max(&self, value: u64, order: Ordering) -> u64 {
        self.0.fetch_max(value, order)
    }
}
