//! The two leases of a node (`src/lease/word.rs`) and its clock (`src/lease/time.rs`) under loom: every interleaving of a few calls, and every stale value that the
//! orderings allow. For each ordering that is stronger than `Relaxed`, and for each step, there is a twin without it that fails.
//!
//! The files are included as they are. Only `sync` is this crate's own.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    reason = "the included files are private, and partly unused here"
)]

mod sync;

#[path = "../../src/lease"]
mod lease {
    pub(crate) mod reading;
    pub(crate) mod time;
    pub(crate) mod word;
}

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use lease::reading::Reading;
use lease::time::{FRESH, TwoClocks, Watch};
use lease::word::{Held, Lease, TICK};
use sync::{Effect, Fault};
use tollgate::Nanos;

const NOW: Reading = Reading { at: Nanos::ZERO, jumps: 0 };

/// The `number`th lease, with so many permits.
fn lease(number: u64, permits: u32) -> Lease {
    Lease::new(NOW, number * TICK, permits)
}

/// Explores a model, with one site broken if told so. Answers how many executions there were, or `None` if one failed.
fn explore(fault: Option<Fault>, model: impl Fn() + Send + Sync + 'static) -> Option<usize> {
    let executions = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&executions);
    sync::set_fault(fault);
    let mut builder = loom::model::Builder::new();
    // Set here what the environment could set: a limit ends an exploration silently.
    builder.max_permutations = None;
    builder.max_duration = None;
    builder.preemption_bound = None;
    let explored = catch_unwind(AssertUnwindSafe(|| {
        builder.check(move || {
            counted.fetch_add(1, Ordering::Relaxed);
            model();
        });
    }));
    sync::set_fault(None);
    explored.is_ok().then(|| executions.load(Ordering::Relaxed))
}

/// The old lease has one permit. The task puts a new one, of five, into the first place and then takes one, from the old lease. There
/// is a permit at every moment, so a call beside that finds one.
fn two_calls_and_a_new_lease() {
    let held = Arc::new(Held::none());
    held.put(lease(1, 1), NOW);
    held.put(lease(2, 1), NOW);
    assert!(held.take(NOW, 1).is_some());
    let task = {
        let held = Arc::clone(&held);
        loom::thread::spawn(move || {
            assert_eq!(held.put(lease(3, 5), NOW), 0);
            held.take(NOW, 1).is_some()
        })
    };
    let found = held.take(NOW, 1).is_some();
    assert!(task.join().unwrap(), "the task finds a permit");
    assert!(found, "there was a permit all the time");
    assert_eq!(held.permits(), 4);
}

/// Three calls for two permits, of one lease: two are granted.
fn three_calls_for_two_permits() {
    let held = Arc::new(Held::none());
    held.put(lease(1, 2), NOW);
    let calls: Vec<_> = (0..2)
        .map(|_| {
            let held = Arc::clone(&held);
            loom::thread::spawn(move || u32::from(held.take(NOW, 1).is_some()))
        })
        .collect();
    let mut granted = u32::from(held.take(NOW, 1).is_some());
    granted += calls.into_iter().map(|call| call.join().unwrap()).sum::<u32>();
    assert_eq!((granted, held.permits()), (2, 0));
}

/// A lease is replaced while a call takes from it. What is lost, used and left is what was leased.
fn a_call_and_a_lease_that_is_replaced() {
    let held = Arc::new(Held::none());
    held.put(lease(1, 2), NOW);
    held.put(lease(2, 2), NOW);
    let task = {
        let held = Arc::clone(&held);
        loom::thread::spawn(move || held.put(lease(3, 2), NOW))
    };
    let granted = if held.take(NOW, 2).is_some() { 2 } else { 0 };
    let lost = task.join().unwrap();
    assert_eq!(granted, 2);
    assert_eq!(granted + lost + held.permits(), 6);
}

/// The clocks of a machine, by how often it has slept: for an hour, of which its own clock counts what it needs to fall asleep.
#[derive(Clone)]
struct Sleeps<const FALLS_ASLEEP_IN: u64>(Arc<std::sync::atomic::AtomicU64>);

impl<const FALLS_ASLEEP_IN: u64> Sleeps<FALLS_ASLEEP_IN> {
    fn so_far(&self) -> u64 {
        // An atomic that loom does not know orders nothing for it. The machine sleeps between two of the steps that it knows;
        // `lease::tests::clocks` covers those between two clocks.
        self.0.load(Ordering::SeqCst)
    }
}

impl<const FALLS_ASLEEP_IN: u64> TwoClocks for Sleeps<FALLS_ASLEEP_IN> {
    fn monotonic(&self) -> Nanos {
        Nanos::from_nanos((1 << 40) + self.so_far() * FALLS_ASLEEP_IN)
    }

    fn wall(&self) -> u64 {
        (1 << 60) + self.so_far() * 3_600_000_000_000
    }
}

/// One thread reads twice. Meanwhile the machine sleeps, and another thread reads after that. Two readings of the same number of
/// jumps are on one side of the sleep.
fn two_readers_and_a_sleep<const FALLS_ASLEEP_IN: u64>() {
    let sleeps = Sleeps::<FALLS_ASLEEP_IN>(Arc::default());
    let watch = Arc::new(Watch::new(sleeps.clone(), core::time::Duration::from_millis(1)));
    // By these loom knows that the sleep and the readings depend on each other. They are relaxed, so they order nothing.
    let slept = Arc::new(loom::sync::atomic::AtomicU64::new(0));
    let reader = {
        let (watch, slept) = (Arc::clone(&watch), Arc::clone(&slept));
        loom::thread::spawn(move || {
            slept.store(1, sync::Ordering::Relaxed);
            sleeps.0.fetch_add(1, Ordering::SeqCst);
            watch.read();
        })
    };
    let asked = watch.read();
    slept.load(sync::Ordering::Relaxed);
    let used = watch.read();
    assert!(asked.jumps != used.jumps || asked.at == used.at, "a sleep is not seen: {asked:?} {used:?}");
    reader.join().unwrap();
}

const MODELS: [(&str, fn()); 4] = [
    ("two_readers_and_a_sleep", two_readers_and_a_sleep::<FRESH>),
    ("two_calls_and_a_new_lease", two_calls_and_a_new_lease),
    ("three_calls_for_two_permits", three_calls_for_two_permits),
    ("a_call_and_a_lease_that_is_replaced", a_call_and_a_lease_that_is_replaced),
];

#[test]
fn every_execution_is_right() {
    for (name, model) in MODELS {
        let executions = explore(None, model);
        println!("{name}: {executions:?} executions");
        assert!(executions.is_some_and(|executions| executions > 10), "{name}: {executions:?}");
    }
}

/// What the clock assumes of the machine is needed.
#[test]
fn a_machine_that_falls_asleep_too_fast() {
    assert_eq!(explore(None, two_readers_and_a_sleep::<{ FRESH - 1_000 }>), None);
}

#[test]
fn with_the_jumps_in_a_word_of_their_own() {
    let fault = Fault { label: "F", effect: Effect::InWordsOfTheirOwn };
    assert_eq!(explore(Some(fault), two_readers_and_a_sleep::<FRESH>), None);
}

#[test]
fn weak_load() {
    assert_eq!(explore(Some(Fault { label: "L", effect: Effect::Relaxed }), two_calls_and_a_new_lease), None);
}

#[test]
fn weak_exchange() {
    assert_eq!(explore(Some(Fault { label: "C", effect: Effect::Relaxed }), two_calls_and_a_new_lease), None);
}

#[test]
fn without_a_second_look_at_the_first_lease() {
    assert_eq!(
        explore(Some(Fault { label: "A", effect: Effect::AsBefore }), two_calls_and_a_new_lease),
        None
    );
}

#[test]
fn without_comparing_what_is_replaced() {
    let fault = Fault { label: "C", effect: Effect::Overwrites };
    assert_eq!(explore(Some(fault), three_calls_for_two_permits), None);
}

/// By one thread: what the states of the two words mean.
mod alone {
    use super::*;

    fn at(ticks: u64, jumps: u64) -> Reading {
        Reading { at: Nanos::from_nanos(ticks * TICK), jumps }
    }

    fn alone(test: fn()) {
        assert_eq!(explore(None, test), Some(1));
    }

    #[test]
    fn a_lease_may_be_used_until_it_expires() {
        alone(|| {
            let held = Held::none();
            held.put(Lease::new(at(5, 3), 10 * TICK + TICK / 2, 7), at(5, 3));
            assert_eq!(held.expires(at(5, 3)), Some(Nanos::from_nanos(15 * TICK)));
            assert!(held.take(at(14, 3), 1).is_some());
            assert!(held.take(at(15, 3), 1).is_none());
            assert!(held.take(at(14, 4), 1).is_none(), "after a jump");
            assert!(held.take(at(14, 3), 7).is_none(), "all or none");
            assert!(held.take(at(14, 3), 6).is_some());
            assert_eq!((held.left(at(14, 3)), held.permits()), (0, 0));
        });
    }

    #[test]
    fn the_lease_that_expires_first_is_used_first_and_replaced_first() {
        alone(|| {
            let held = Held::none();
            assert_eq!(held.put(lease(10, 3), NOW), 0);
            assert_eq!(held.put(lease(20, 5), NOW), 0);
            assert_eq!(held.take(NOW, 1).unwrap().lease.expires(), lease(10, 0).expires());
            assert_eq!(held.take(NOW, 4).unwrap().lease.expires(), lease(20, 0).expires());
            assert_eq!((held.left(NOW), held.largest(NOW)), (3, 2));
            assert_eq!(held.put(lease(30, 6), NOW), 2, "the two that were left of the first");
            // A lease that has no permits left is worth nothing.
            assert!(held.take(NOW, 1).is_some());
            assert_eq!(held.put(lease(40, 1), NOW), 0);
            assert_eq!(held.left(NOW), 7);
        });
    }

    #[test]
    fn a_lease_that_does_not_expire_later_is_not_taken() {
        alone(|| {
            let held = Held::none();
            held.put(lease(10, 3), NOW);
            held.put(lease(20, 3), NOW);
            assert_eq!(held.put(lease(10, 2), NOW), 2);
            assert_eq!(held.left(NOW), 6);
        });
    }

    #[test]
    fn past_its_last_tick_nothing_is_alive() {
        alone(|| {
            let held = Held::none();
            let late = Reading { at: Nanos::from_nanos(1 << 61), jumps: 0 };
            assert_eq!(held.put(Lease::new(late, TICK, 5), late), 5);
            assert!(held.take(late, 1).is_none());
            let most = Lease::new(NOW, u64::MAX, u32::MAX);
            assert_eq!((most.permits(), most.expires()), (Lease::MOST, Nanos::ZERO));
        });
    }
}
