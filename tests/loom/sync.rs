//! Loom's atomics in place of `src/sync.rs`, and a way to break one labelled site of the shipped source.
//!
//! Every atomic operation of a core stands on a line that ends with its label (`// H`); the caller's location
//! says which line that is. So a fault names a file and a label, and no source is copied.

use std::cell::{Cell, RefCell};
use std::panic::Location;

pub(crate) use loom::sync::atomic::Ordering;

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
    /// A load answers what this thread last read at H or M, or wrote at N, so that a check always passes:
    /// in a call that is being judged ...
    JudgesUnchecked,
    /// ... or while a run or a charge is carried out. In the log, by its owner only.
    CarriesOutUnchecked,
    /// A compare-exchange does nothing, as if another thread had won.
    Lost,
    /// A compare-exchange stores without comparing.
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
struct Trace {
    thread: usize,
    header: u64,
    owner: bool,
    /// How often this thread has begun to judge.
    rounds: u32,
}

/// Lap or parity.
const TOP_BIT: u64 = 1 << 63;
/// A header of `announced.rs` with a charge to carry out. No head of a log grows so large.
const PENDING: u64 = 1 << 62;
/// Rounds in which a thread of a broken core may read what is stale.
const ROUNDS: u32 = 8;

thread_local! {
    /// Loom runs all threads of a model on the thread that explores it.
    static FAULT: Cell<Option<Fault>> = const { Cell::new(None) };
}

loom::thread_local! {
    static TRACE: RefCell<Trace> = RefCell::default();
}

/// Sets what is wrong in the next model.
pub(crate) fn set_fault(fault: Option<Fault>) {
    FAULT.set(fault);
}

/// Tells the shim which thread of the model this is.
pub(crate) fn enter_thread(thread: usize) {
    TRACE.with(|trace| trace.borrow_mut().thread = thread);
}

/// The label of the calling site, and what goes wrong there.
#[track_caller]
fn site() -> (Option<&'static str>, Option<Effect>) {
    let Some(fault) = FAULT.get() else { return (None, None) };
    let caller = Location::caller();
    let Some(label) = table::label_at(caller.file(), caller.line()) else { return (None, None) };
    let here = caller.file().ends_with(fault.file) && (fault.labels.contains(label) || fault.labels == "*");
    let due = TRACE.with(|trace| {
        let trace = trace.borrow();
        let carries_out = trace.owner || trace.header & PENDING != 0;
        let due = match fault.effect {
            Effect::JudgesUnchecked => !carries_out,
            Effect::CarriesOutUnchecked => carries_out,
            _ => true,
        };
        due && fault.thread.is_none_or(|thread| thread == trace.thread)
    });
    (Some(label), (here && due).then_some(fault.effect))
}

/// Loom's atomic, and a second one that makes loom see every race on it.
///
/// Loom 0.7 remembers only the last access to a location. Where a thread loads and then compares and exchanges, as
/// all of these cores do, its own load hides an earlier load by another thread, and loom never runs that load
/// after the exchange. A read-modify-write on `turn` before each access lets no two accesses commute; it is
/// Relaxed, so it orders nothing for the core.
#[derive(Debug)]
pub(crate) struct AtomicU64 {
    value: loom::sync::atomic::AtomicU64,
    turn: loom::sync::atomic::AtomicU64,
}

impl AtomicU64 {
    pub(crate) fn new(value: u64) -> AtomicU64 {
        let new = loom::sync::atomic::AtomicU64::new;
        AtomicU64 { value: new(value), turn: new(0) }
    }

    fn take_turn(&self) -> &loom::sync::atomic::AtomicU64 {
        self.turn.fetch_add(1, Ordering::Relaxed);
        &self.value
    }

    #[track_caller]
    pub(crate) fn load(&self, order: Ordering) -> u64 {
        let (label, effect) = site();
        if label == Some("H") && TRACE.with(|trace| trace.borrow().rounds) > ROUNDS {
            // A weakened core may read the same stale value for ever, which no machine does.
            loom::thread::yield_now();
        }
        let value = match effect {
            Some(Effect::Relaxed) => self.take_turn().load(Ordering::Relaxed),
            Some(Effect::JudgesUnchecked | Effect::CarriesOutUnchecked) => {
                return TRACE.with(|trace| trace.borrow().header);
            }
            _ => self.take_turn().load(order),
        };
        if matches!(label, Some("H" | "M")) {
            TRACE.with(|trace| {
                let mut trace = trace.borrow_mut();
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
    ) -> Result<u64, u64> {
        let (label, effect) = site();
        let result = match effect {
            Some(Effect::Relaxed) => {
                self.take_turn().compare_exchange(old, new, Ordering::Relaxed, Ordering::Relaxed)
            }
            Some(Effect::Lost) => Err(old),
            Some(Effect::Overwrites) => {
                self.take_turn().store(new, success);
                Ok(old)
            }
            Some(Effect::KeepsTopBit) => {
                self.take_turn().compare_exchange(old, (new & !TOP_BIT) | (old & TOP_BIT), success, failure)
            }
            _ => self.take_turn().compare_exchange(old, new, success, failure),
        };
        if result.is_ok() && matches!(label, Some("N" | "C")) {
            TRACE.with(|trace| {
                let mut trace = trace.borrow_mut();
                trace.owner = true;
                if label == Some("N") {
                    trace.header = new;
                }
            });
        }
        result
    }

    /// Loom never fails one spuriously, so neither does this.
    #[track_caller]
    pub(crate) fn compare_exchange_weak(
        &self,
        old: u64,
        new: u64,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u64, u64> {
        self.compare_exchange(old, new, success, failure)
    }

    #[track_caller]
    pub(crate) fn fetch_max(&self, value: u64, order: Ordering) -> u64 {
        match site().1 {
            Some(Effect::Relaxed) => self.take_turn().fetch_max(value, Ordering::Relaxed),
            Some(Effect::Lost) => value,
            _ => self.take_turn().fetch_max(value, order),
        }
    }
}

#[test]
fn loom_sees_a_load_after_an_exchange() {
    use std::collections::HashSet;
    use std::sync::{Arc, Mutex};

    let seen = Arc::new(Mutex::new(HashSet::new()));
    let record = Arc::clone(&seen);
    loom::model::Builder::new().check(move || {
        let word = Arc::new(AtomicU64::new(0));
        let other = Arc::clone(&word);
        let thread = loom::thread::spawn(move || {
            let old = other.load(Ordering::Relaxed);
            other.compare_exchange(old, 1, Ordering::Relaxed, Ordering::Relaxed)
        });
        record.lock().unwrap().insert(word.load(Ordering::Relaxed));
        thread.join().unwrap().unwrap();
    });
    assert_eq!(seen.lock().unwrap().len(), 2);
}
