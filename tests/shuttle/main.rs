//! The shipped limiters under shuttle: random schedules of four threads, and each history is linearizable. The programs
//! are too large for the model checkers, which try all schedules.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    unused_imports,
    clippy::large_types_passed_by_value,
    reason = "the library's public items are private and partly unused here"
)]

extern crate alloc;

mod sync;

#[path = "../../src/nanos.rs"]
mod nanos;
#[path = "../../src/quota/mod.rs"]
mod quota;

#[path = "../../src/decision.rs"]
mod decision;

#[path = "../../src/algorithm/mod.rs"]
mod algorithm;

#[path = "../models/spec.rs"]
mod spec;
#[path = "../models/subject.rs"]
mod subject;

#[path = "../histories/calls.rs"]
mod calls;
#[path = "../histories/search.rs"]
mod search;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use calls::next_call;
use search::{Event, linearizable};
use subject::{Subject, perform};

const THREADS: u64 = 4;
const CALLS: usize = 3;
/// Plans of random calls, and random schedules of each.
const PLANS: u64 = 40;
const SCHEDULES: usize = 100;

/// The calls depend on `plan` alone, as far as their times go: the clock is each thread's own.
fn race(subject: Subject, most: u32, plan: u64) {
    let limiter = Arc::new(subject.build());
    // Not one of shuttle's: drawing a ticket is not a step.
    let tickets = Arc::new(AtomicU64::new(0));
    let spawn = |thread| {
        let (limiter, tickets) = (Arc::clone(&limiter), Arc::clone(&tickets));
        shuttle::thread::spawn(move || {
            let mut rng = fastrand::Rng::with_seed(plan * THREADS + thread);
            let clock = AtomicU64::new(rng.u64(..3));
            let ticket = || tickets.fetch_add(1, Ordering::SeqCst);
            let mut event = || {
                let call = next_call(&mut rng, &clock, most);
                let called = ticket();
                let reply = perform(&**limiter, call);
                Event { called, returned: ticket(), call, reply }
            };
            (0..CALLS).map(|_| event()).collect::<Vec<_>>()
        })
    };
    let threads: Vec<_> = (0..THREADS).map(spawn).collect();
    let history: Vec<Event> =
        threads.into_iter().flat_map(|thread| thread.join().expect("no call panics")).collect();
    assert!(linearizable(&subject.spec(), &history), "plan {plan}: no order explains {history:#?}");
}

fn holds(subject: Subject, most: u32) {
    for plan in 0..PLANS {
        shuttle::check_random(move || race(subject, most, plan), SCHEDULES);
        shuttle::check_pct(move || race(subject, most, plan), SCHEDULES, 3);
    }
}

#[test]
fn word() {
    holds(Subject::Strict(2, &[(3, 6), (5, 20)]), 2);
}

#[test]
fn pair() {
    holds(Subject::Nominal(&[(2, 4), (3, 12)]), 2);
}

#[test]
fn window_counter() {
    holds(Subject::Counter([2, 0, 1], &[(3, 4), (4, 12)]), 3);
    holds(Subject::Counter([2, 1, 0], &[(5, 4)]), 4);
}

#[test]
fn announced() {
    holds(Subject::Nominal(&[(2, 4), (3, 9), (4, 20)]), 2);
}

#[test]
fn log() {
    holds(Subject::Log(&[(2, 3), (3, 10)]), 2);
}

#[test]
fn log_of_one_slot() {
    holds(Subject::Log(&[(1, 2)]), 1);
}

#[test]
fn log_of_batches() {
    holds(Subject::Log(&[(4, 3), (6, 8)]), 4);
}
