//! Loom's atomics in place of `src/sync.rs`.

use std::cell::RefCell;

pub(crate) use loom::sync::atomic::Ordering;

pub(crate) use crate::fault::AtomicU64;
use crate::fault::Trace;

/// Waiting is no step: the scheduler lets a loser come back at any time.
pub(crate) fn spin_loop() {}

loom::thread_local! {
    static TRACE: RefCell<Trace> = RefCell::default();
}

pub(crate) fn with_trace<T>(ask: impl FnOnce(&mut Trace) -> T) -> T {
    TRACE.with(|trace| ask(&mut trace.borrow_mut()))
}

/// Tells the shim which thread of the model this is.
pub(crate) fn enter_thread(thread: usize) {
    with_trace(|trace| *trace = Trace::of(thread));
}

/// The most threads of a model.
const THREADS: usize = 3;

/// Loom's atomic, and one more for each thread, which make loom see every race on it.
///
/// Loom 0.7 remembers only the last access to a location. Where a thread loads and then compares and exchanges, as
/// all of these cores do, its own load hides an earlier load by another thread, and loom never runs that load
/// after the exchange. So a load is one of `loads`, too, and a write of all of them, in the same step. Two loads
/// still commute. These are Relaxed, so they order nothing for the core.
#[derive(Debug)]
pub(crate) struct Word {
    value: loom::sync::atomic::AtomicU64,
    loads: [loom::sync::atomic::AtomicU64; THREADS],
}

/// Does what belongs to the step that this thread has just made: no other thread comes between.
fn in_this_step(marks: impl FnOnce()) {
    loom::stop_exploring();
    marks();
    loom::explore();
}

impl Word {
    pub(crate) fn new(value: u64) -> Word {
        let new = loom::sync::atomic::AtomicU64::new;
        Word { value: new(value), loads: [(); THREADS].map(|()| new(0)) }
    }

    fn write<T>(&self, write: impl FnOnce(&loom::sync::atomic::AtomicU64) -> T) -> T {
        let result = write(&self.value);
        in_this_step(|| self.loads.iter().for_each(|load| load.store(0, Ordering::Relaxed)));
        result
    }

    /// `fresh`: what was written last, which in loom only a read-modify-write is sure to see.
    pub(crate) fn load(&self, order: Ordering, fresh: bool) -> u64 {
        if fresh {
            return self.write(|word| word.fetch_add(0, order));
        }
        let value = self.value.load(order);
        let thread = with_trace(|trace| trace.thread());
        in_this_step(|| _ = self.loads[thread].load(Ordering::Relaxed));
        value
    }

    pub(crate) fn store(&self, value: u64, order: Ordering) {
        self.write(|word| word.store(value, order));
    }

    pub(crate) fn compare_exchange(&self, old: u64, new: u64, success: Ordering, failure: Ordering) -> bool {
        self.write(|word| word.compare_exchange(old, new, success, failure).is_ok())
    }

    pub(crate) fn fetch_max(&self, value: u64, order: Ordering) {
        self.write(|word| word.fetch_max(value, order));
    }
}

#[test]
fn loom_sees_a_load_after_an_exchange() {
    use std::collections::HashSet;
    use std::sync::{Arc, Mutex};

    let seen = Arc::new(Mutex::new(HashSet::new()));
    let record = Arc::clone(&seen);
    loom::model::Builder::new().check(move || {
        let word = Arc::new(Word::new(0));
        let other = Arc::clone(&word);
        let thread = loom::thread::spawn(move || {
            enter_thread(1);
            let old = other.load(Ordering::Relaxed, false);
            assert!(other.compare_exchange(old, 1, Ordering::Relaxed, Ordering::Relaxed));
        });
        record.lock().unwrap().insert(word.load(Ordering::Relaxed, false));
        thread.join().unwrap();
    });
    assert_eq!(seen.lock().unwrap().len(), 2);
}
