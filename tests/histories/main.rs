//! Real threads on every limiter: each history of calls and replies is linearizable.
//!
//! The files of `src/` are included as they are, on atomics that may yield the processor.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    unused_imports,
    clippy::large_types_passed_by_value,
    reason = "the library's public items are private and partly unused here"
)]

extern crate alloc;

mod hook;
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

mod calls;
mod lies;
mod locked;
mod search;
mod storm;

use storm::{Limiter, Storm};
use subject::{Subject, perform};

/// The calls of one storm. With yields a call takes far longer on a machine that others use, too.
const CALLS: usize = 57_344;
const YIELDING_CALLS: usize = CALLS / 4;

fn limiter(subject: Subject) -> Limiter {
    let limiter = subject.build();
    Box::new(move |call| perform(&*limiter, call))
}

/// Four, eight and sixteen threads, which yield or do not, asking for up to `most` permits.
fn weather(name: &str, subject: Subject, most: u32, build: impl Fn() -> Limiter) {
    for (threads, calls) in [(4, 16), (8, 8), (16, 4)] {
        for (yields, all) in [(false, CALLS), (true, YIELDING_CALLS)] {
            let storm = Storm { threads, calls, rounds: all / (threads * calls), yields };
            let tally = storm.holds(&subject.spec(), most, &build);
            println!("{name}, {threads} threads, yields {yields}: {tally:?}");
            assert_eq!(tally.calls, all);
            assert!(tally.granted > all / 20 && tally.denied > all / 20, "one-sided");
            assert!(!yields || tally.overlapping > all / 100, "nothing was concurrent");
        }
    }
}

fn lock_free(name: &str, subject: Subject, most: u32) {
    weather(name, subject, most, || limiter(subject));
}

#[test]
fn word() {
    lock_free("word", Subject::Strict(2, &[(3, 6), (5, 20)]), 3);
}

#[test]
fn pair() {
    lock_free("pair", Subject::Nominal(&[(2, 4), (3, 12)]), 3);
}

#[test]
fn window_counter() {
    lock_free("window counter", Subject::Counter([2, 0, 1], &[(3, 4), (4, 12)]), 3);
}

#[test]
fn window_counter_by_twos() {
    lock_free("window counter by twos", Subject::Counter([3, 1, 0], &[(5, 6)]), 4);
}

#[test]
fn announced() {
    lock_free("announced", Subject::Nominal(&[(2, 4), (3, 9), (4, 20)]), 3);
}

#[test]
fn log() {
    lock_free("log", Subject::Log(&[(2, 3), (3, 10)]), 3);
}

#[test]
fn log_of_one_slot() {
    lock_free("log of one slot", Subject::Log(&[(1, 2)]), 2);
}

#[test]
fn log_of_batches() {
    lock_free("log of batches", Subject::Log(&[(4, 3), (6, 8)]), 5);
}

#[test]
fn locked_log() {
    const QUOTAS: &[(u32, u64)] = &[(2, 3), (3, 10)];
    weather("locked log", Subject::Log(QUOTAS), 3, || locked::log(QUOTAS));
}

#[test]
fn locked_buckets() {
    const QUOTAS: &[(u32, u64)] = &[(2, 4), (3, 9), (4, 20)];
    weather("locked buckets", Subject::Nominal(QUOTAS), 3, || locked::buckets(QUOTAS));
}
