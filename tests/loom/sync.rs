//! Loom's atomics in place of `src/sync.rs`, and a way to break one labelled site of the shipped source.
//!
//! Every atomic operation of a core stands on a line that ends with its label (`// H`); the caller's location
//! says which line that is. So a fault names a file and a label, and no source is copied.

use std::cell::{Cell, RefCell};
use std::panic::Location;

pub(crate) use loom::sync::atomic::Ordering;

use crate::table;

/// Waiting is no step: the scheduler lets a loser come back at any time.
pub(crate) fn spin_loop() {}

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
            Effect::LostByOwner => trace.owner,
            Effect::LostByHelper => !trace.owner,
            _ => true,
        };
        due && fault.thread.is_none_or(|thread| thread == trace.thread)
    });
    (Some(label), (here && due).then_some(fault.effect))
}

/// The most threads of a model.
pub(crate) const THREADS: usize = 3;

/// Loom's atomic, and one more for each thread, which make loom see every race on it.
///
/// Loom 0.7 remembers only the last access to a location. Where a thread loads and then compares and exchanges, as
/// all of these cores do, its own load hides an earlier load by another thread, and loom never runs that load
/// after the exchange. So a load is one of `loads`, too, and a write of all of them, in the same step. Two loads
/// still commute. These are Relaxed, so they order nothing for the core.
#[derive(Debug)]
pub(crate) struct AtomicU64 {
    value: loom::sync::atomic::AtomicU64,
    loads: [loom::sync::atomic::AtomicU64; THREADS],
}

/// Does what belongs to the step that this thread has just made: no other thread comes between.
fn in_this_step(marks: impl FnOnce()) {
    loom::stop_exploring();
    marks();
    loom::explore();
}

impl AtomicU64 {
    pub(crate) fn new(value: u64) -> AtomicU64 {
        let new = loom::sync::atomic::AtomicU64::new;
        AtomicU64 { value: new(value), loads: [(); THREADS].map(|()| new(0)) }
    }

    fn read(&self, order: Ordering) -> u64 {
        let value = self.value.load(order);
        let thread = TRACE.with(|trace| trace.borrow().thread);
        in_this_step(|| _ = self.loads[thread].load(Ordering::Relaxed));
        value
    }

    fn write<T>(&self, write: impl FnOnce(&loom::sync::atomic::AtomicU64) -> T) -> T {
        let result = write(&self.value);
        in_this_step(|| self.loads.iter().for_each(|load| load.store(0, Ordering::Relaxed)));
        result
    }

    #[track_caller]
    pub(crate) fn load(&self, order: Ordering) -> u64 {
        let (label, effect) = site();
        let relaxed = FAULT.get().is_some_and(|fault| fault.effect == Effect::Relaxed);
        if relaxed && label == Some("H") && TRACE.with(|trace| trace.borrow().rounds) > ROUNDS {
            // A weakened core may read the same stale value for ever, which no machine does.
            loom::thread::yield_now();
        }
        let value = match effect {
            Some(Effect::Relaxed) => self.read(Ordering::Relaxed),
            Some(Effect::JudgesUnchecked | Effect::CarriesOutUnchecked) => {
                return TRACE.with(|trace| trace.borrow().header);
            }
            Some(Effect::SeemsVacant { capacity }) => {
                let lap = TRACE.with(|trace| trace.borrow().header) / capacity;
                return (self.read(order) & !TOP_BIT) | if lap & 1 == 1 { TOP_BIT } else { 0 };
            }
            Some(Effect::Forgets) => return 0,
            _ => self.read(order),
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
                self.write(|value| value.compare_exchange(old, new, Ordering::Relaxed, Ordering::Relaxed))
            }
            Some(Effect::Lost | Effect::LostByOwner | Effect::LostByHelper) => Err(old),
            Some(Effect::Overwrites) => {
                self.write(|value| value.store(new, success));
                Ok(old)
            }
            Some(Effect::KeepsTopBit) => {
                let new = (new & !TOP_BIT) | (old & TOP_BIT);
                self.write(|value| value.compare_exchange(old, new, success, failure))
            }
            _ => self.write(|value| value.compare_exchange(old, new, success, failure)),
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
            Some(Effect::Relaxed) => self.write(|word| word.fetch_max(value, Ordering::Relaxed)),
            Some(Effect::Lost | Effect::LostByOwner | Effect::LostByHelper) => value,
            Some(Effect::Overwrites) => self.write(|word| word.swap(value, order)),
            _ => self.write(|word| word.fetch_max(value, order)),
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
            enter_thread(1);
            let old = other.load(Ordering::Relaxed);
            other.compare_exchange(old, 1, Ordering::Relaxed, Ordering::Relaxed)
        });
        record.lock().unwrap().insert(word.load(Ordering::Relaxed));
        thread.join().unwrap().unwrap();
    });
    assert_eq!(seen.lock().unwrap().len(), 2);
}
