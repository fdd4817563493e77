//! The atomics that the shipped clock is given, and a way to break one labelled site of it.

use std::cell::Cell;
use std::panic::Location;

use crate::sync::{Ordering, Word, with_trace};

const SOURCE: &str = include_str!("../../src/clock/anchored.rs");

/// What goes wrong at the sites of a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The ordering is Relaxed.
    Relaxed(&'static str),
    /// The version never says that somebody is writing.
    SeemsFree,
    /// The second look at the version finds what the first found.
    Unchecked,
    /// Every claim succeeds.
    AlwaysClaimed,
    /// Only thread 1 ever claims, as if the others came too late. This breaks nothing.
    OneClaims,
}

thread_local! {
    /// All threads of a model run on the thread that explores it.
    static FAULT: Cell<Option<Fault>> = const { Cell::new(None) };
}

pub(crate) fn set_fault(fault: Option<Fault>) {
    FAULT.set(fault);
}

/// What one thread of a model has read.
#[derive(Default)]
pub(crate) struct Trace {
    thread: usize,
    version: u64,
}

impl Trace {
    pub(crate) fn of(thread: usize) -> Trace {
        Trace { thread, version: 0 }
    }

    pub(crate) fn thread(&self) -> usize {
        self.thread
    }
}

/// The label of the calling site, and what goes wrong there.
#[track_caller]
fn site() -> (&'static str, Option<Fault>) {
    let line = Location::caller().line() as usize;
    let label =
        SOURCE.lines().nth(line - 1).and_then(|line| line.rsplit_once("// ")).map_or("", |(_, label)| label);
    let fault = FAULT.get().filter(|fault| match fault {
        Fault::Relaxed(of) => *of == label,
        Fault::SeemsFree => label == "S" || label == "V",
        Fault::Unchecked => label == "V",
        Fault::AlwaysClaimed | Fault::OneClaims => label == "C",
    });
    (label, fault)
}

/// An atomic of loom, with what may go wrong at the site that uses it.
#[derive(Debug)]
pub(crate) struct AtomicU64(Word);

impl AtomicU64 {
    pub(crate) fn new(value: u64) -> AtomicU64 {
        AtomicU64(Word::new(value))
    }

    #[track_caller]
    pub(crate) fn load(&self, order: Ordering) -> u64 {
        let (label, fault) = site();
        let value = match fault {
            Some(Fault::Relaxed(_)) => self.0.load(Ordering::Relaxed, false),
            Some(Fault::SeemsFree) => self.0.load(order, false) & !1,
            Some(Fault::Unchecked) => return with_trace(|trace| trace.version),
            _ => self.0.load(order, false),
        };
        if label == "S" {
            with_trace(|trace| trace.version = value);
        }
        value
    }

    #[track_caller]
    pub(crate) fn store(&self, value: u64, order: Ordering) {
        let weak = matches!(site().1, Some(Fault::Relaxed(_)));
        self.0.store(value, if weak { Ordering::Relaxed } else { order });
    }

    #[track_caller]
    pub(crate) fn compare_exchange(
        &self,
        old: u64,
        new: u64,
        success: Ordering,
        failure: Ordering,
    ) -> Result<(), ()> {
        let fault = FAULT.get();
        // In a twin only thread 1 claims, too: the others would read every word of an anchor, each stale or not, and the
        // executions would be too many.
        let one_claims = matches!(fault, Some(Fault::Relaxed(_) | Fault::OneClaims));
        if one_claims && with_trace(|trace| trace.thread) != 1 {
            return Err(());
        }
        if fault == Some(Fault::AlwaysClaimed) {
            self.0.store(new, success);
            return Ok(());
        }
        self.0.compare_exchange(old, new, success, failure).then_some(()).ok_or(())
    }
}
