//! Loom's atomics in place of `src/sync.rs`, one labelled site of which can be broken.
//!
//! Every atomic operation is on a line that ends with its label (`// C`), and the caller's location tells which line that is. So
//! no source is copied.

use std::cell::Cell;
use std::panic::Location;

pub(crate) use loom::sync::atomic::Ordering;

/// What goes wrong, and at which label.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault {
    pub(crate) label: &'static str,
    pub(crate) effect: Effect,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// The ordering is Relaxed.
    Relaxed,
    /// A load answers what this thread has loaded at L before, so that the check always passes.
    AsBefore,
    /// A compare-exchange stores without comparing.
    Overwrites,
    /// The lowest 8 bits of a load are those that this thread loaded there first, as from a word of their own.
    InWordsOfTheirOwn,
}

thread_local! {
    /// All threads of a model run on the thread that explores it.
    static FAULT: Cell<Option<Fault>> = const { Cell::new(None) };
}

pub(crate) fn set_fault(fault: Option<Fault>) {
    FAULT.set(fault);
}

/// The label of the calling site, and what goes wrong there.
#[track_caller]
fn site() -> (Option<&'static str>, Option<Effect>) {
    let caller = Location::caller();
    let source = if caller.file().ends_with("word.rs") {
        include_str!("../../src/lease/word.rs")
    } else {
        include_str!("../../src/lease/time.rs")
    };
    let line = source.lines().nth(caller.line() as usize - 1);
    let label = line.and_then(|line| line.rsplit_once("// ")).map(|(_, label)| label);
    let fault = FAULT.get().filter(|fault| Some(fault.label) == label);
    (label, fault.map(|fault| fault.effect))
}

pub(crate) fn spin_loop() {
    loom::thread::yield_now();
}

/// Loom's atomic, and one more for each thread, which make loom see every race on it.
///
/// Loom 0.7 remembers only the last access to a location. So a load by one thread hides an earlier load by another, and loom never
/// runs that load after a later exchange. So a load is one of `loads`, too, and a write of all of them, in the same step.
#[derive(Debug)]
pub(crate) struct AtomicU64 {
    value: loom::sync::atomic::AtomicU64,
    loads: [loom::sync::atomic::AtomicU64; 3],
}

fn in_this_step(marks: impl FnOnce()) {
    loom::stop_exploring();
    marks();
    loom::explore();
}

loom::thread_local! {
    static THREAD: usize = {
        NEXT.with(|next| {
            let thread = next.get();
            next.set((thread + 1) % 3);
            thread
        })
    };
}

loom::thread_local! {
    /// The last two leases that this thread has loaded at L.
    static LOADED: Cell<[u64; 2]> = Cell::new([0, 0]);
}

loom::thread_local! {
    /// What this thread has loaded first at F.
    static FIRST: Cell<Option<u64>> = Cell::new(None);
}

thread_local! {
    static NEXT: Cell<usize> = const { Cell::new(0) };
}

impl AtomicU64 {
    pub(crate) fn new(value: u64) -> AtomicU64 {
        NEXT.set(0);
        let new = loom::sync::atomic::AtomicU64::new;
        AtomicU64 { value: new(value), loads: [new(0), new(0), new(0)] }
    }

    #[track_caller]
    pub(crate) fn load(&self, order: Ordering) -> u64 {
        let (label, effect) = site();
        if effect == Some(Effect::AsBefore) {
            return LOADED.with(|loaded| loaded.get()[0]);
        }
        let order = if effect == Some(Effect::Relaxed) { Ordering::Relaxed } else { order };
        let value = self.value.load(order);
        in_this_step(|| _ = self.loads[THREAD.with(|&thread| thread)].load(Ordering::Relaxed));
        if effect == Some(Effect::InWordsOfTheirOwn) {
            let first = FIRST.with(|first| {
                first.set(first.get().or(Some(value)));
                first.get().unwrap_or(value)
            });
            return value & !0xff | first & 0xff;
        }
        if label == Some("L") {
            LOADED.with(|loaded| loaded.set([loaded.get()[1], value]));
        }
        value
    }

    fn write<T>(&self, write: impl FnOnce(&loom::sync::atomic::AtomicU64) -> T) -> T {
        let result = write(&self.value);
        in_this_step(|| self.loads.iter().for_each(|load| load.store(0, Ordering::Relaxed)));
        result
    }

    #[track_caller]
    pub(crate) fn store(&self, value: u64, order: Ordering) {
        self.write(|word| word.store(value, order));
    }

    #[track_caller]
    pub(crate) fn swap(&self, value: u64, order: Ordering) -> u64 {
        self.write(|word| word.swap(value, order))
    }

    #[track_caller]
    pub(crate) fn compare_exchange(
        &self,
        old: u64,
        new: u64,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u64, u64> {
        match site().1 {
            Some(Effect::Overwrites) => self.write(|word| {
                word.store(new, success);
                Ok(old)
            }),
            Some(Effect::Relaxed) => {
                self.write(|word| word.compare_exchange(old, new, Ordering::Relaxed, Ordering::Relaxed))
            }
            _ => self.write(|word| word.compare_exchange(old, new, success, failure)),
        }
    }
}
