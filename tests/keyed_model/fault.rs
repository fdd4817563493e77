//! The atomics that the shipped table is given, and the ways to break it.

use std::cell::Cell;
use std::panic::Location;

use crate::sync::{Ordering, Word, with_trace};
use crate::table;

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The ordering at the site with this label is Relaxed.
    Relaxed(&'static str),
    /// The exchange stores without comparing.
    Overwrites,
    /// A newcomer owes nothing.
    StartsFresh,
    /// A newcomer takes another slot than the one with the smallest word: that with the largest ...
    TakesTheLargest,
    /// ... or always the last one.
    TakesTheLast,
    /// Of equal words, thread 1 prefers the highest slot and the others the lowest.
    TiesByThread,
}

/// What one thread of a model has done.
#[derive(Default)]
pub(crate) struct Trace {
    thread: usize,
    /// Whether a grant is taken back at once by an exchange for the word before; and whether that was done.
    undoes: bool,
    undone: bool,
}

impl Trace {
    pub(crate) fn of(thread: usize) -> Trace {
        Trace { thread, ..Trace::default() }
    }

    pub(crate) fn thread(&self) -> usize {
        self.thread
    }
}

thread_local! {
    /// All threads of a model run on the thread that explores it.
    static FAULT: Cell<Option<Fault>> = const { Cell::new(None) };
}

/// Sets what is wrong from now on; what was wrong before.
pub(crate) fn set_fault(fault: Option<Fault>) -> Option<Fault> {
    FAULT.replace(fault)
}

pub(crate) fn fault() -> Option<Fault> {
    FAULT.get()
}

/// What `call` returns, and whether its grant was taken back.
pub(crate) fn and_undo<T>(call: impl FnOnce() -> T) -> (T, bool) {
    with_trace(|trace| (trace.undoes, trace.undone) = (true, false));
    let reply = call();
    (reply, with_trace(|trace| std::mem::take(&mut trace.undone) & std::mem::take(&mut trace.undoes)))
}

/// The ordering at the calling site.
#[track_caller]
fn weakened(order: Ordering) -> Ordering {
    let Some(Fault::Relaxed(label)) = fault() else { return order };
    let caller = Location::caller();
    if table::label_at(caller.file(), caller.line()) == Some(label) { Ordering::Relaxed } else { order }
}

/// What a failed exchange has read, which the table does not use.
#[derive(Debug)]
pub(crate) struct Unread;

#[derive(Debug)]
pub(crate) struct AtomicU64(Word);

impl AtomicU64 {
    pub(crate) fn new(value: u64) -> AtomicU64 {
        AtomicU64(Word::new(value))
    }

    #[track_caller]
    pub(crate) fn load(&self, order: Ordering) -> u64 {
        self.0.load(weakened(order), false)
    }

    #[track_caller]
    pub(crate) fn compare_exchange(
        &self,
        old: u64,
        new: u64,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u64, Unread> {
        if fault() == Some(Fault::Overwrites) {
            self.0.store(new, success);
            return Ok(old);
        }
        if !self.0.compare_exchange(old, new, weakened(success), failure) {
            return Err(Unread);
        }
        if with_trace(|trace| trace.undoes) {
            let undone = self.0.compare_exchange(new, old, success, failure);
            with_trace(|trace| trace.undone = undone);
        }
        Ok(old)
    }
}
