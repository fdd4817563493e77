//! Tests the memory itself, by the small programs that tell memory models apart. Each outcome that the orderings allow is
//! found, and no other outcome.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering::{self, Acquire, Relaxed, Release};

use crate::memory::{Answer, Memory, Step, View};

const X: usize = 0;
const Y: usize = 1;
const Z: usize = 2;

fn load(at: usize, order: Ordering) -> Step {
    Step::Load { at, order, fresh: false }
}

fn store(at: usize, value: u64, order: Ordering) -> Step {
    Step::Store { at, value, order }
}

fn exchange(at: usize, old: u64, new: u64, success: Ordering) -> Step {
    Step::CompareExchange { at, old, new, success, failure: Relaxed }
}

fn max(at: usize, value: u64, order: Ordering) -> Step {
    Step::FetchMax { at, value, order }
}

/// What the loads read, thread by thread and in order, in every execution; a failed exchange counts as 9.
fn reads(threads: &[&[Step]]) -> BTreeSet<Vec<u64>> {
    let mut seen = BTreeSet::new();
    let views = vec![Some(View::default()); threads.len()];
    run(
        threads,
        &vec![0; threads.len()],
        &views,
        &Memory::new(&[0, 0, 0]),
        &vec![vec![]; threads.len()],
        &mut seen,
    );
    seen
}

fn run(
    threads: &[&[Step]],
    done: &[usize],
    views: &[Option<View>],
    memory: &Memory,
    read: &[Vec<u64>],
    seen: &mut BTreeSet<Vec<u64>>,
) {
    let mut over = true;
    for (thread, steps) in threads.iter().enumerate() {
        let (Some(&step), Some(view)) = (steps.get(done[thread]), views[thread]) else { continue };
        over = false;
        memory.outcomes(step, view, |answer, view, after| {
            let (mut done, mut views, mut read) = (done.to_vec(), views.to_vec(), read.to_vec());
            done[thread] += 1;
            views[thread] = (done[thread] < steps.len()).then_some(view);
            match answer {
                Answer::Read(value) => read[thread].push(value),
                Answer::Failed => read[thread].push(9),
                Answer::Done => {}
            }
            let mut after = after.unwrap_or_else(|| memory.clone());
            after.forget(&mut views);
            run(threads, &done, &views, &after, &read, seen);
        });
    }
    if over {
        seen.insert(read.concat());
    }
}

fn set<const N: usize>(outcomes: &[[u64; N]]) -> BTreeSet<Vec<u64>> {
    outcomes.iter().map(|outcome| outcome.to_vec()).collect()
}

#[test]
fn a_message_is_passed_by_release_and_acquire() {
    let pass = |release, acquire| {
        reads(&[&[store(X, 1, Relaxed), store(Y, 1, release)], &[load(Y, acquire), load(X, Relaxed)]])
    };
    let whole = set(&[[0, 0], [0, 1], [1, 1]]);
    let torn = set(&[[0, 0], [0, 1], [1, 0], [1, 1]]);
    assert_eq!(pass(Release, Acquire), whole);
    assert_eq!(pass(Relaxed, Acquire), torn);
    assert_eq!(pass(Release, Relaxed), torn);
}

#[test]
fn stores_are_buffered() {
    let read = reads(&[&[store(X, 1, Release), load(Y, Acquire)], &[store(Y, 1, Release), load(X, Acquire)]]);
    assert_eq!(read, set(&[[0, 0], [0, 1], [1, 0], [1, 1]]));
}

#[test]
fn loads_are_not_buffered() {
    let read = reads(&[&[load(X, Relaxed), store(Y, 1, Relaxed)], &[load(Y, Relaxed), store(X, 1, Relaxed)]]);
    assert_eq!(read, set(&[[0, 0], [0, 1], [1, 0]]));
}

#[test]
fn one_location_never_goes_back() {
    let read = reads(&[&[store(X, 1, Relaxed)], &[load(X, Relaxed), load(X, Relaxed)]]);
    assert_eq!(read, set(&[[0, 0], [0, 1], [1, 1]]));
    let own = reads(&[&[store(X, 1, Relaxed), load(X, Relaxed)]]);
    assert_eq!(own, set(&[[1]]));
}

/// Two readers may see two independent writes in different orders.
#[test]
fn independent_writes_have_no_order() {
    let read = reads(&[
        &[store(X, 1, Release)],
        &[store(Y, 1, Release)],
        &[load(X, Acquire), load(Y, Acquire)],
        &[load(Y, Acquire), load(X, Acquire)],
    ]);
    assert!(read.contains(&vec![1, 0, 1, 0]));
    assert_eq!(read.len(), 16);
}

#[test]
fn what_was_acquired_is_passed_on() {
    let read = reads(&[
        &[store(X, 1, Release)],
        &[load(X, Acquire), store(Y, 1, Release)],
        &[load(Y, Acquire), load(X, Relaxed)],
    ]);
    assert!(!read.contains(&vec![1, 1, 0]));
    assert!(read.contains(&vec![0, 1, 0]));
}

/// A read-modify-write, however weak, continues what the value it replaces has released; a store does not.
#[test]
fn a_release_goes_through_a_read_modify_write() {
    let head = [store(X, 1, Relaxed), store(Y, 1, Release)];
    let tail = [load(Y, Acquire), load(X, Relaxed)];
    let continued = reads(&[&head, &[exchange(Y, 1, 2, Relaxed)], &[exchange(Y, 2, 3, Relaxed)], &tail]);
    assert!(continued.contains(&vec![3, 1]));
    assert!(!continued.contains(&vec![3, 0]));
    let cut = reads(&[&head, &[load(Y, Relaxed), store(Y, 3, Relaxed)], &tail]);
    assert!(cut.contains(&vec![1, 3, 0]));
    let unreleased = reads(&[&[store(X, 1, Relaxed), exchange(Y, 0, 1, Relaxed)], &tail]);
    assert!(unreleased.contains(&vec![1, 0]));
    let both = [load(Y, Acquire), load(X, Relaxed), load(Z, Relaxed)];
    let joined = reads(&[&head, &[store(Z, 1, Relaxed), exchange(Y, 1, 2, Release)], &both]);
    assert!(joined.contains(&vec![2, 1, 1]));
    assert!(!joined.iter().any(|read| read.ends_with(&[2, 0, 1]) || read.ends_with(&[2, 1, 0])));
    let raised = reads(&[&head, &[load(Y, Relaxed), max(Y, 3, Relaxed)], &tail]);
    assert!(!raised.contains(&vec![1, 3, 0]));
}

#[test]
fn one_exchange_wins_and_the_other_may_fail_early() {
    let read = reads(&[&[exchange(X, 0, 1, Relaxed)], &[exchange(X, 0, 2, Relaxed), load(X, Relaxed)]]);
    // Thread 0 fails, after thread 1 has won; or thread 1 fails, and has read what made it fail.
    assert_eq!(read, set(&[[9, 2], [9, 1]]));
    // What it fails on need not be the last.
    let stale = reads(&[
        &[store(X, 1, Relaxed), store(X, 5, Relaxed)],
        &[exchange(X, 5, 6, Relaxed), load(X, Relaxed)],
    ]);
    let failed = set(&[[9, 0], [9, 1], [9, 5]]);
    assert_eq!(stale, failed.union(&set(&[[6]])).cloned().collect());
}

#[test]
fn a_maximum_is_kept() {
    let read = reads(&[&[max(X, 3, Relaxed)], &[max(X, 2, Relaxed), load(X, Relaxed)]]);
    assert_eq!(read, set(&[[2], [3]]));
}

#[test]
fn nothing_is_forgotten_that_may_be_read() {
    let mut views = [Some(View::default()), None];
    let mut memory = Memory::new(&[0, 0]);
    for step in [store(X, 1, Release), store(Y, 1, Release)] {
        let view = views[0].expect("a thread");
        memory.clone().outcomes(step, view, |_, view, after| {
            (views[0], memory) = (Some(view), after.expect("a write"));
        });
    }
    let whole = memory.clone();
    let mut late = [views[0], Some(View::default())];
    memory.forget(&mut late);
    assert_eq!(memory, whole);
    memory.forget(&mut views);
    assert_eq!(memory, Memory::new(&[1, 1]));
    assert_eq!(views, [Some(View::default()), None]);
}
