//! Atomics for the shipped source that can break one of its labelled sites.
//!
//! Every atomic operation of a core is on a line that ends with its label (`// H`), and the caller's location tells which
//! line that is. So a fault only names a file and a label, and no source is copied.

use std::cell::Cell;
use std::panic::Location;

use crate::sync::{Ordering, Word, with_trace};
use crate::table;

/// What goes wrong, and where.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault {
    /// The end of the core's path.
    pub(crate) file: &'static str,
    /// The sites' labels, or `*` for every site of the file.
    pub(crate) labels: &'static str,
    pub(crate) effect: Effect,
    /// Only in this thread of the model.
    pub(crate) thread: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// The ordering is Relaxed.
    Relaxed,
    /// A load answers what this thread last read at H or M, or announced at N, so that a check always passes:
    /// in a call that is being judged ...
    JudgesUnchecked,
    /// ... or while a run or a charge is carried out. In the log, by its owner only.
    CarriesOutUnchecked,
    /// The second look at a slot of the log finds that it is still the end.
    SeemsVacant { capacity: u64 },
    /// A load finds nothing.
    Forgets,
    /// A read-modify-write does nothing, as if another thread had won: everywhere ...
    Lost,
    /// ... or in a call that has claimed or announced, as if its thread were stopped then for good ...
    LostByOwner,
    /// ... or in a call that has not: before it does, or where it would help another.
    LostByHelper,
    /// A read-modify-write stores without comparing.
    Overwrites,
    /// A compare-exchange leaves the top bit (lap or parity) as it was.
    KeepsTopBit,
}

impl Fault {
    pub(crate) const fn new(file: &'static str, labels: &'static str, effect: Effect) -> Fault {
        Fault { file, labels, effect, thread: None }
    }

    pub(crate) const fn in_thread(self, thread: usize) -> Fault {
        Fault { thread: Some(thread), ..self }
    }
}

/// What one thread of a model has done: what a fault needs to know.
#[derive(Default)]
pub(crate) struct Trace {
    thread: usize,
    header: u64,
    owner: bool,
    /// How often this thread has begun to judge.
    rounds: u32,
}

impl Trace {
    pub(crate) fn of(thread: usize) -> Trace {
        Trace { thread, ..Trace::default() }
    }

    pub(crate) fn thread(&self) -> usize {
        self.thread
    }
}

/// Lap or parity.
const TOP_BIT: u64 = 1 << 63;
/// A header of `announced.rs` with a charge to carry out. No head of a log grows so large.
const PENDING: u64 = 1 << 62;
/// Rounds in which a thread of a broken core may read what is stale.
const ROUNDS: u32 = 8;

thread_local! {
    /// All threads of a model run on the thread that explores it.
    static FAULT: Cell<Option<Fault>> = const { Cell::new(None) };
}

/// Sets what is wrong from now on; what was wrong before.
pub(crate) fn set_fault(fault: Option<Fault>) -> Option<Fault> {
    FAULT.replace(fault)
}

/// The label of the calling site, and what goes wrong there.
#[track_caller]
fn site() -> (Option<&'static str>, Option<Effect>) {
    let Some(fault) = FAULT.get() else { return (None, None) };
    let caller = Location::caller();
    let Some(label) = table::label_at(caller.file(), caller.line()) else { return (None, None) };
    let here = caller.file().ends_with(fault.file) && (fault.labels.contains(label) || fault.labels == "*");
    let due = with_trace(|trace| {
        let carries_out = trace.owner || trace.header & PENDING != 0;
        let due = match fault.effect {
            Effect::JudgesUnchecked => !carries_out,
            Effect::CarriesOutUnchecked => carries_out,
            Effect::LostByOwner => trace.owner,
            Effect::LostByHelper => !trace.owner,
            _ => true,
        };
        due && fault.thread.is_none_or(|thread| thread == trace.thread)
    });
    (Some(label), (here && due).then_some(fault.effect))
}

/// What a failed exchange has read. No core uses it, so that it makes no difference which value it was.
#[derive(Debug)]
pub(crate) struct Unread;

/// An atomic of the model checker, with what may go wrong at the site that uses it.
#[derive(Debug)]
pub(crate) struct AtomicU64(Word);

impl AtomicU64 {
    pub(crate) fn new(value: u64) -> AtomicU64 {
        AtomicU64(Word::new(value))
    }

    #[track_caller]
    pub(crate) fn load(&self, order: Ordering) -> u64 {
        let (label, effect) = site();
        // A broken core may read the same stale value for ever, which no machine does.
        let fresh = FAULT.get().is_some() && with_trace(|trace| trace.rounds) > ROUNDS;
        let value = match effect {
            Some(Effect::Relaxed) => self.0.load(Ordering::Relaxed, fresh),
            Some(Effect::JudgesUnchecked | Effect::CarriesOutUnchecked) => {
                return with_trace(|trace| trace.header);
            }
            Some(Effect::SeemsVacant { capacity }) => {
                let lap = with_trace(|trace| trace.header) / capacity;
                return (self.0.load(order, fresh) & !TOP_BIT) | if lap & 1 == 1 { TOP_BIT } else { 0 };
            }
            Some(Effect::Forgets) => return 0,
            _ => self.0.load(order, fresh),
        };
        if matches!(label, Some("H" | "M")) {
            with_trace(|trace| {
                (trace.header, trace.owner) = (value, false);
                trace.rounds += 1;
            });
        }
        value
    }

    #[track_caller]
    pub(crate) fn compare_exchange(
        &self,
        old: u64,
        new: u64,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u64, Unread> {
        let (label, effect) = site();
        let exchanged = match effect {
            Some(Effect::Relaxed) => self.0.compare_exchange(old, new, Ordering::Relaxed, Ordering::Relaxed),
            Some(Effect::Lost | Effect::LostByOwner | Effect::LostByHelper) => false,
            Some(Effect::Overwrites) => {
                self.0.store(new, success);
                true
            }
            Some(Effect::KeepsTopBit) => {
                self.0.compare_exchange(old, (new & !TOP_BIT) | (old & TOP_BIT), success, failure)
            }
            _ => self.0.compare_exchange(old, new, success, failure),
        };
        if exchanged && matches!(label, Some("N" | "C")) {
            with_trace(|trace| {
                trace.owner = true;
                if label == Some("N") {
                    trace.header = new;
                }
            });
        }
        if exchanged { Ok(old) } else { Err(Unread) }
    }

    /// No core uses what was there before.
    #[track_caller]
    pub(crate) fn fetch_max(&self, value: u64, order: Ordering) {
        match site().1 {
            Some(Effect::Relaxed) => self.0.fetch_max(value, Ordering::Relaxed),
            Some(Effect::Lost | Effect::LostByOwner | Effect::LostByHelper) => {}
            Some(Effect::Overwrites) => self.0.store(value, order),
            _ => self.0.fetch_max(value, order),
        }
    }
}
