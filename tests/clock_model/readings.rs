//! A model is a few threads that let time pass and read the clock.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use loom::sync::atomic::AtomicU64;

use crate::anchor::MAX_ERROR;
use crate::anchored::{Anchored, Counter, System};
use crate::fault::{Fault, set_fault};
use crate::sync::enter_thread;

/// Real time in nanoseconds, which is the system's. A part of the model, so that loom tries every order in which
/// threads look at it; each look takes a nanosecond.
struct Time(AtomicU64);

impl Time {
    fn pass(&self, nanos: u64) -> u64 {
        // A read-modify-write sees what was written last. Relaxed, it orders nothing else.
        self.0.fetch_add(nanos, Ordering::Relaxed)
    }
}

impl System for Arc<Time> {
    fn nanos(&self) -> u64 {
        self.pass(1)
    }
}

/// One count in a nanosecond, from some number.
struct Ticks(Arc<Time>);

impl Counter for Ticks {
    fn count(&self) -> u64 {
        self.0.pass(1) + (1 << 40)
    }
}

type Clock = Anchored<Ticks, Arc<Time>>;

/// Each reading of a thread, by the time that passes before it.
pub(crate) struct Model {
    pub(crate) name: &'static str,
    /// Before the threads start.
    pub(crate) before: &'static [u64],
    pub(crate) threads: &'static [&'static [u64]],
    /// When all threads are done.
    pub(crate) after: &'static [u64],
    pub(crate) bound: Option<usize>,
}

/// What a wrong reading panics with.
#[derive(Debug)]
pub(crate) struct Wrong(pub(crate) String);

fn read(clock: &Clock, pauses: &[u64]) {
    for &pause in pauses {
        let called = clock.system().pass(pause) + pause;
        let reading = clock.now();
        let returned = clock.system().pass(0);
        if reading > returned || reading + MAX_ERROR < called {
            std::panic::resume_unwind(Box::new(Wrong(format!("{reading} between {called} and {returned}"))));
        }
    }
}

impl Model {
    /// The number of executions, or a wrong reading.
    pub(crate) fn explore(&self, fault: Option<Fault>) -> Result<usize, Wrong> {
        let executions = Arc::new(AtomicUsize::new(0));
        let mut builder = loom::model::Builder::new();
        // Set here what the environment could set: a limit ends an exploration silently.
        builder.max_permutations = None;
        builder.max_duration = None;
        builder.checkpoint_file = None;
        builder.max_branches = 4_000;
        builder.preemption_bound = self.bound;
        let Model { before, threads, after, .. } = *self;
        let counted = Arc::clone(&executions);
        let body = move || {
            counted.fetch_add(1, Ordering::Relaxed);
            let time = Arc::new(Time(AtomicU64::new(0)));
            let clock = Arc::new(Anchored::new(Ticks(Arc::clone(&time)), time));
            enter_thread(1);
            read(&clock, before);
            let start = |(i, pauses): (usize, &&'static [u64])| {
                let (clock, pauses) = (Arc::clone(&clock), *pauses);
                loom::thread::spawn(move || {
                    enter_thread(i + 1);
                    read(&clock, pauses);
                })
            };
            let spawned: Vec<_> = threads[1..].iter().enumerate().map(start).collect();
            enter_thread(0);
            read(&clock, threads[0]);
            for thread in spawned {
                thread.join().expect("a thread that returns");
            }
            enter_thread(1);
            read(&clock, after);
        };
        set_fault(fault);
        match catch_unwind(AssertUnwindSafe(|| builder.check(body))) {
            Ok(()) => Ok(executions.load(Ordering::Relaxed)),
            Err(panic) => match panic.downcast::<Wrong>() {
                Ok(wrong) => Err(*wrong),
                Err(panic) => std::panic::resume_unwind(panic),
            },
        }
    }

    /// Every reading of every execution is right.
    #[track_caller]
    pub(crate) fn holds(&self) {
        self.holds_with(None);
    }

    /// The same, with a fault that breaks nothing.
    #[track_caller]
    pub(crate) fn holds_with(&self, fault: Option<Fault>) {
        let executions = self.explore(fault).unwrap_or_else(|wrong| panic!("{}: {}", self.name, wrong.0));
        println!("{}: {executions} executions", self.name);
        assert!(executions > 100, "{}: only {executions} executions", self.name);
    }

    /// With this fault, some execution has a wrong reading.
    #[track_caller]
    pub(crate) fn catches(&self, fault: Fault) {
        match self.explore(Some(fault)) {
            Err(wrong) => println!("{}: {fault:?}: {}", self.name, wrong.0),
            Ok(executions) => panic!("{}: {fault:?}: no wrong reading in {executions}", self.name),
        }
    }
}
