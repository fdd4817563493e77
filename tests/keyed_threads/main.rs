//! The shipped core of the keyed table with real threads: histories of threads that meet in one small set, and a thread
//! that is stopped before any of its steps.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    unused_imports,
    reason = "what the library exports is private and partly unused here"
)]

extern crate alloc;

mod hook;
#[path = "../progress/hook.rs"]
mod stop;
#[path = "../histories/sync.rs"]
mod sync;
#[path = "../histories/hook.rs"]
mod yields;

mod algorithm {
    //! What the table uses of `src/algorithm`.
    pub(crate) use crate::backoff;
}
#[path = "../../src/algorithm/backoff.rs"]
mod backoff;
mod keyed;

mod fault;
#[path = "../keyed_model/spec.rs"]
mod spec;
#[path = "../keyed_model/subject.rs"]
mod subject;

use std::sync::Barrier;
use std::thread;

use spec::{Call, Reply, explained_where, owes, take};
use stop::stopped_after;
use subject::{Subject, perform};

const AFTER: [Call; 5] = [Call::Slots, owes(0), owes(1), owes(2), owes(3)];

/// Threads, the calls of each, and how often.
fn storm(subject: Subject, threads: usize, calls: usize, rounds: u64, yields: bool) {
    let barrier = Barrier::new(threads);
    let tables: Vec<_> = (0..rounds).map(|_| subject.build()).collect();
    let heard: Vec<Vec<Vec<(Call, Reply)>>> = thread::scope(|scope| {
        let spawn = |thread: u64| {
            let (barrier, tables) = (&barrier, &tables);
            scope.spawn(move || {
                let mut rng = fastrand::Rng::with_seed(thread);
                if yields {
                    yields::yield_from(thread);
                }
                let mut run = |table: &subject::Limiter| {
                    barrier.wait();
                    let mut now = rng.u64(0..8);
                    let mut call = || {
                        now += rng.u64(0..3);
                        let call = take(rng.usize(0..4), now, rng.u64(1..=2));
                        yields::begin();
                        (call, perform(table, call))
                    };
                    (0..calls).map(|_| call()).collect()
                };
                tables.iter().map(|table| run(&**table)).collect()
            })
        };
        let threads: Vec<_> = (0..threads as u64).map(spawn).collect();
        threads.into_iter().map(|thread| thread.join().expect("no call panics")).collect()
    });
    let mut granted = 0;
    for (round, table) in tables.iter().enumerate() {
        let after: Vec<(Call, Reply)> = AFTER.iter().map(|&call| (call, perform(&**table, call))).collect();
        let threads: Vec<&[(Call, Reply)]> = heard.iter().map(|rounds| rounds[round].as_slice()).collect();
        assert!(explained_where(&subject.spec(), &threads, &after, &|_, _| true), "{threads:?} {after:?}");
        granted += threads
            .iter()
            .flat_map(|calls| calls.iter())
            .filter(|call| matches!(call.1, Reply::Granted(_)))
            .count();
    }
    let all = threads * calls * tables.len();
    println!("{subject:?}, {threads} threads: {granted} of {all} calls granted");
    assert!(granted > all / 10 && granted < all * 9 / 10, "one-sided");
}

#[test]
fn histories_of_threads_that_meet_in_one_set() {
    for subject in [Subject::Two, Subject::Three] {
        for (threads, calls) in [(2, 6), (4, 4), (8, 2)] {
            storm(subject, threads, calls, 3_000, false);
            storm(subject, threads, calls, 1_000, true);
        }
    }
}

/// A thread that is stopped for good before any of its steps: the others go on, each call in a bounded number of steps,
/// and are told that the stopped call happened or that it did not.
#[test]
fn a_thread_that_is_stopped_anywhere_stops_nobody() {
    const BOUND: u64 = 16;
    for (subject, slots) in [(Subject::Two, 2), (Subject::Three, 3)] {
        let mut stops = 0;
        // A newcomer that takes a slot.
        let stopped = take(3, 4, 1);
        loop {
            let table = subject.build();
            for key in 0..slots {
                let n = 1 + key as u64 % 2;
                assert_eq!(perform(&*table, take(key, 0, n)), Reply::Granted(3 * n));
            }
            let returned = stopped_after(stops, || perform(&*table, stopped));
            let mut heard = Vec::new();
            for call in [owes(3), take(3, 4, 1), take(0, 4, 1), take(1, 5, 1), take(2, 6, 2), owes(3)] {
                let reply = stopped_after(BOUND, || perform(&*table, call));
                heard.push(reply.unwrap_or_else(|| panic!("{call:?} takes more than {BOUND} steps")));
            }
            // It takes the slot of key 0, which owes 3 ticks: had it been granted, key 3 owes 7.
            let happened = heard[0] == Reply::Owes(7);
            assert!(happened || heard[0] == Reply::Owes(3), "{heard:?}");
            if let Some(reply) = returned {
                assert_eq!((reply, happened), (Reply::Granted(7), true));
                break;
            }
            assert!(!happened, "nothing happens before the last step");
            stops += 1;
        }
        assert_eq!(stops, slots as u64 + 1, "a load for each slot and one exchange");
    }
}
