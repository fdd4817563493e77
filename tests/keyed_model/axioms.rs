//! All executions that the C++ memory model allows, also those in which a load is answered by a store that depends on it.
//!
//! A checker that runs threads step by step never reads what is not written yet. The memory model allows
//! it for relaxed operations ("load buffering"), and the orderings of the table are there to exclude it. So here an
//! execution is not run but checked: each thread may read any value that anybody could write; then the values say which write
//! each load has read (words only grow, so no two writes of a slot are equal), and the axioms say whether
//! that is allowed: happens-before is a strict order, and reads and writes of one slot agree with it.
//!
//! Only executions in which no exchange fails are tried. Whoever loses a race begins again, having only read.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use crate::fault::{Fault, set_fault};
use crate::memory::{Answer, Step};
use crate::model::{Failure, Heard, Model, Outcomes};
use crate::programs::{Shape, THREE, TWO, TWO_OF_THREE};
use crate::spec::{Call, Reply};
use crate::subject::{Limiter, perform};
use crate::sync::{Progress, alone, answered};

/// A load, or an exchange that succeeded.
#[derive(Clone, Copy, Debug)]
struct Event {
    at: usize,
    read: u64,
    wrote: Option<u64>,
    order: Ordering,
}

impl Event {
    fn acquires(self) -> bool {
        matches!(self.order, Ordering::Acquire | Ordering::AcqRel)
    }

    fn releases(self) -> bool {
        self.wrote.is_some() && matches!(self.order, Ordering::Release | Ordering::AcqRel)
    }
}

/// One way in which a thread may go, if it reads these values.
#[derive(Clone, Debug, Default)]
struct Way {
    events: Vec<Event>,
    heard: Heard,
}

/// All ways of a thread if each slot may hold any of these values.
fn ways(limiter: &Limiter, thread: usize, calls: &[Call], domain: &[BTreeSet<u64>]) -> Vec<Way> {
    let mut ways = vec![Way::default()];
    for &call in calls {
        ways = ways.iter().flat_map(|way| extend(way, limiter, thread, call, domain)).collect();
    }
    ways
}

fn extend(way: &Way, limiter: &Limiter, thread: usize, call: Call, domain: &[BTreeSet<u64>]) -> Vec<Way> {
    let (mut done, mut open) = (Vec::new(), vec![(Vec::new(), way.clone())]);
    while let Some((answers, way)) = open.pop() {
        let mut go_on = |answer, event| {
            let (mut answers, mut way) = (answers.clone(), way.clone());
            answers.push(answer);
            way.events.push(event);
            open.push((answers, way));
        };
        match answered(thread, &answers, || perform(limiter, call)) {
            Progress::At { step: Step::Load { at, order, .. }, .. } => {
                for &read in &domain[at] {
                    go_on(Answer::Read(read), Event { at, read, wrote: None, order });
                }
            }
            Progress::At { step: Step::CompareExchange { at, old, new, success, .. }, .. } => {
                go_on(Answer::Done, Event { at, read: old, wrote: Some(new), order: success });
            }
            Progress::Replied(reply) => {
                let mut way = way;
                way.heard.push((call, reply));
                done.push(way);
            }
            Progress::At { step, .. } => panic!("{step:?}"),
            Progress::Failed(failure) => panic!("{failure:?}"),
        }
    }
    done
}

/// What stands in each slot, one value after another, if these events can be put in order so.
fn histories(initial: &[u64], events: &[(usize, Event)]) -> Option<Vec<Vec<u64>>> {
    let history = |at: usize| {
        let mut writes: Vec<(u64, u64)> =
            events.iter().filter(|(_, e)| e.at == at).filter_map(|(_, e)| Some((e.read, e.wrote?))).collect();
        writes.sort_unstable_by_key(|write| write.1);
        let mut history = vec![initial[at]];
        for (read, wrote) in writes {
            // An exchange replaces the value just before its own.
            if history.last() != Some(&read) || wrote <= read {
                return None;
            }
            history.push(wrote);
        }
        Some(history)
    };
    (0..initial.len()).map(history).collect()
}

/// Whether the memory model allows these events, told with their threads and in the order of each, given what each slot held.
fn allowed(events: &[(usize, Event)], histories: &[Vec<u64>]) -> bool {
    let place = |at: usize, value: u64| histories[at].iter().position(|&held| held == value);
    let mut reads = Vec::new();
    for (_, event) in events {
        let Some(read) = place(event.at, event.read) else { return false };
        reads.push(read);
    }
    let writes: Vec<Option<usize>> =
        events.iter().zip(&reads).map(|((_, event), read)| event.wrote.map(|_| read + 1)).collect();

    // Sequenced before; and synchronizes with: the load reads what the release wrote, or an exchange after it.
    let count = events.len();
    let mut before = vec![vec![false; count]; count];
    for (i, (one, release)) in events.iter().enumerate() {
        for (j, (other, acquire)) in events.iter().enumerate() {
            let sequenced = one == other && i < j;
            let synchronizes = release.releases()
                && acquire.acquires()
                && release.at == acquire.at
                && writes[i].is_some_and(|write| write <= reads[j]);
            before[i][j] = sequenced || synchronizes && i != j;
        }
    }
    for via in 0..count {
        for i in 0..count {
            for j in 0..count {
                before[i][j] |= before[i][via] && before[via][j];
            }
        }
    }

    (0..count).all(|i| !before[i][i])
        && (0..count).all(|i| {
            (0..count).all(|j| {
                if !before[i][j] || events[i].1.at != events[j].1.at {
                    return true;
                }
                // What is earlier has read, and written, what came earlier.
                let reads_agree = reads[i] <= reads[j];
                let write_is_seen = writes[i].is_none_or(|write| write <= reads[j]);
                let write_is_later = writes[j].is_none_or(|write| reads[i] < write);
                reads_agree && write_is_seen && write_is_later
            })
        })
}

/// Checks every allowed execution, and tells how many there are.
fn check(model: &Model, fault: Option<Fault>) -> Result<usize, Failure> {
    let mut spec = model.subject.spec();
    let mut initial = Vec::new();
    let limiter = alone(&mut initial, || {
        let limiter = model.subject.build();
        for &call in model.before {
            assert_eq!(perform(&*limiter, call), spec.answer(call), "{call:?} before the threads");
        }
        limiter
    });
    let limiter = limiter.ok_or(Failure::Endless)?;
    set_fault(fault);

    // Each round lets a value depend on one write more.
    let mut domain: Vec<BTreeSet<u64>> = initial.iter().map(|&value| BTreeSet::from([value])).collect();
    let mut all = Vec::new();
    for _ in 0..=model.threads.iter().map(|calls| calls.len()).sum() {
        all = (0..model.threads.len())
            .map(|thread| ways(&*limiter, thread, model.threads[thread], &domain))
            .collect::<Vec<_>>();
        for event in all.iter().flatten().flat_map(|way| &way.events) {
            domain[event.at].extend(event.wrote);
        }
    }

    let mut outcomes = Outcomes::default();
    let mut count = 0;
    for chosen in choices(&all) {
        let events: Vec<(usize, Event)> = chosen
            .iter()
            .enumerate()
            .flat_map(|(thread, way)| way.events.iter().map(move |&event| (thread, event)))
            .collect();
        let Some(histories) = histories(&initial, &events) else { continue };
        if !allowed(&events, &histories) {
            continue;
        }
        count += 1;
        let mut values: Vec<u64> = histories.iter().map(|history| history[history.len() - 1]).collect();
        let finally: Option<Heard> =
            alone(&mut values, || model.after.iter().map(|&call| (call, perform(&*limiter, call))).collect());
        let heard = chosen.iter().map(|way| way.heard.clone()).collect();
        outcomes.add(&spec, heard, finally.ok_or(Failure::Endless)?, &|_, _| true)?;
    }
    Ok(count)
}

/// One way of each thread.
fn choices(all: &[Vec<Way>]) -> impl Iterator<Item = Vec<&Way>> {
    let total: usize = all.iter().map(Vec::len).product();
    (0..total).map(move |mut number| {
        let choose = |ways: &'_ Vec<Way>| {
            let chosen = number % ways.len();
            number /= ways.len();
            chosen
        };
        let chosen: Vec<usize> = all.iter().map(choose).collect();
        chosen.into_iter().zip(all).map(|(chosen, ways)| &ways[chosen]).collect()
    })
}

const TWO_CALLS: Shape = Shape { calls: 1, ..TWO };
const TWO_CALLS_OF_THREE_SLOTS: Shape = Shape { calls: 1, ..THREE };
const FOUR_CALLS: Shape = Shape { calls: 2, ..TWO };
const THREE_CALLS: Shape = Shape { calls: 1, ..TWO_OF_THREE };
const PROGRAMS: u64 = 400;

fn holds(shape: Shape, programs: u64) {
    let executions: usize = (0..programs)
        .map(|seed| {
            let model = shape.program(seed);
            check(&model, None)
                .unwrap_or_else(|failure| panic!("{:?} then {:?}: {failure:?}", model.before, model.threads))
        })
        .sum();
    println!("{executions} executions of {programs} programs");
    assert!(executions as u64 > programs);
}

#[track_caller]
fn caught(fault: Fault) {
    for shape in [TWO_CALLS, THREE_CALLS] {
        for seed in 0..PROGRAMS {
            let model = shape.program(seed);
            if let Err(failure) = check(&model, Some(fault)) {
                println!("{fault:?}: {:?} then {:?}: {failure:?}", model.before, model.threads);
                return;
            }
        }
    }
    panic!("{fault:?} is not caught");
}

#[test]
fn every_execution_that_the_memory_model_allows_holds() {
    holds(TWO_CALLS, PROGRAMS);
    holds(TWO_CALLS_OF_THREE_SLOTS, PROGRAMS);
    holds(THREE_CALLS, PROGRAMS);
    holds(FOUR_CALLS, PROGRAMS / 8);
}

#[test]
fn a_relaxed_load_forgets_a_debt() {
    caught(Fault::Relaxed("S"));
}

#[test]
fn a_relaxed_exchange_forgets_a_debt() {
    caught(Fault::Relaxed("C"));
}
