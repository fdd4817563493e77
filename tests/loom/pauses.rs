//! A pause in front of the shipped bucket, under loom: every interleaving of a few calls, pauses and resumptions. It also
//! shows that each step is needed.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::algorithm::{Algorithm, TokenBucket};
use crate::fault::{Effect, Fault, set_fault};
use crate::model::Failure;
use crate::nanos::Nanos;
use crate::pause::{Pace, Pause};
use crate::subject::UNIT;
use crate::sync;

const PAUSE: &str = "src/pause.rs";

/// 2 permits in 4 units: one in two on the way out of a pause.
struct Paused {
    bucket: TokenBucket,
    pause: Pause,
}

const fn units(units: u64) -> Nanos {
    Nanos::from_nanos(units * UNIT)
}

impl Paused {
    fn until(until: u64) -> Paused {
        let policy = format!("2/{}ns", 4 * UNIT).parse().unwrap();
        let paused = Paused { bucket: TokenBucket::nominal(policy).unwrap(), pause: Pause::none() };
        paused.begin(until);
        paused
    }

    fn pace(&self) -> Pace {
        Pace::of(self.bucket.policy())
    }

    fn begin(&self, until: u64) {
        self.pause.begin(units(until), self.pace());
    }

    fn lower(&self, now: u64, permits: u32) {
        self.pause.lower(units(now), permits, self.pace());
    }

    /// As a limiter takes a permit: `None`, or the retry instant.
    fn take(&self, now: u64) -> Option<Nanos> {
        let now = units(now);
        let answer = if self.pause.affects(now) {
            self.pause.decide(&self.bucket, now, 1, true, TokenBucket::try_acquire_at)
        } else {
            self.bucket.try_acquire_at(now, 1)
        };
        answer.err().map(|denied| denied.retry_at().expect("one permit comes back"))
    }
}

/// The executions of `threads` after `paused`, each judged by `check`; or what failed first.
fn explore<T: Send + 'static>(
    fault: Option<Fault>,
    paused: fn() -> Paused,
    threads: [fn(&Paused) -> T; 2],
    check: fn(&Paused, [T; 2]),
) -> Result<usize, String> {
    let executions = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&executions);
    let mut builder = loom::model::Builder::new();
    builder.max_permutations = None;
    builder.max_duration = None;
    builder.checkpoint_file = None;
    builder.preemption_bound = Some(2);
    builder.max_branches = 1_000;
    set_fault(fault);
    let failure: Arc<Mutex<Option<String>>> = Arc::default();
    let told = Arc::clone(&failure);
    let explored = catch_unwind(AssertUnwindSafe(|| {
        builder.check(move || {
            counted.fetch_add(1, Ordering::Relaxed);
            let paused = Arc::new(paused());
            let other = Arc::clone(&paused);
            let thread = loom::thread::spawn(move || {
                sync::enter_thread(1);
                threads[1](&other)
            });
            let first = threads[0](&paused);
            let answers = [first, thread.join().expect("a thread that returns")];
            let checked = catch_unwind(AssertUnwindSafe(|| check(&paused, answers)));
            if let Err(panic) = checked {
                *told.lock().unwrap() = Some(format!("{:?}", Failure::of_panic(&*panic)));
                resume_unwind(panic);
            }
        });
    }));
    set_fault(None);
    match (explored, failure.lock().unwrap().take()) {
        (Ok(()), _) => Ok(executions.load(Ordering::Relaxed)),
        (Err(_), Some(failure)) => Err(failure),
        (Err(panic), None) => {
            let Failure::Panicked(text) = Failure::of_panic(&*panic) else { unreachable!("it panicked") };
            assert!(text.contains("maximum number of branches"), "{text}");
            Err(text)
        }
    }
}

fn fault(label: &'static str, effect: Effect) -> Fault {
    Fault::new(PAUSE, label, effect)
}

/// Two threads take permits when the pause until 4 is over: never more than one at 4, and one more for every two units
/// after it.
fn calls(fault: Option<Fault>) -> Result<usize, String> {
    explore(
        fault,
        || Paused::until(4),
        [
            |paused| vec![(4, paused.take(4)), (6, paused.take(6))],
            |paused| vec![(4, paused.take(4)), (5, paused.take(5))],
        ],
        |_, answers| {
            let answers = answers.concat();
            let granted_by =
                |t| answers.iter().filter(|(now, refused)| *now <= t && refused.is_none()).count();
            assert!(granted_by(5) <= 1 && (1..=2).contains(&granted_by(6)), "{answers:?}");
            for (now, retry) in &answers {
                assert!(retry.is_none_or(|retry| retry > units(*now) && retry <= units(8)), "{answers:?}");
            }
        },
    )
}

#[test]
fn two_calls_after_a_pause() {
    assert!(calls(None).unwrap() > 10);
}

/// Two threads at one instant: one permit, not two and not none.
#[test]
fn calls_at_one_instant() {
    let explored = explore(
        None,
        || Paused::until(4),
        [|paused| vec![paused.take(4)], |paused| vec![paused.take(4), paused.take(4)]],
        |_, answers| {
            let answers = answers.concat();
            assert_eq!(answers.iter().filter(|refused| refused.is_none()).count(), 1, "{answers:?}");
            assert!(answers.iter().flatten().all(|&retry| retry == units(6)), "{answers:?}");
        },
    );
    assert!(explored.unwrap() > 5);
}

#[test]
fn two_calls_that_charge_blindly() {
    calls(Some(fault("C", Effect::Overwrites))).unwrap_err();
}

#[test]
fn two_calls_that_never_charge() {
    calls(Some(fault("C", Effect::Lost))).unwrap_err();
}

/// A longer pause begins while the limiter comes out of a shorter one: it holds, whatever the call is answered.
fn pauses(fault: Option<Fault>) -> Result<usize, String> {
    explore(
        fault,
        || Paused::until(2),
        [
            |paused| {
                paused.begin(3);
                paused.take(3)
            },
            |paused| {
                paused.begin(7);
                None
            },
        ],
        |paused, [call, _]| {
            assert_eq!(paused.take(6), Some(units(7)));
            assert!(call.is_none_or(|retry| retry == units(7)), "{call:?}");
            assert_eq!(paused.take(7), None);
        },
    )
}

#[test]
fn two_pauses_and_a_call() {
    assert!(pauses(None).unwrap() > 5);
}

#[test]
fn a_shorter_pause_that_replaces_a_longer() {
    pauses(Some(fault("B", Effect::Overwrites))).unwrap_err();
}

#[test]
fn a_charge_that_replaces_a_pause() {
    pauses(Some(fault("C", Effect::Overwrites))).unwrap_err();
}

/// The limiter is lowered to no permit at 7, while the one of 6 is taken on the way out of a pause: it is granted or not, and
/// the next one comes at 9.
fn lowering(fault: Option<Fault>) -> Result<usize, String> {
    explore(
        fault,
        || Paused::until(6),
        [
            |paused| {
                paused.lower(7, 0);
                paused.take(8)
            },
            |paused| paused.take(6),
        ],
        |paused, [first, second]| {
            assert_eq!(first, Some(units(9)));
            assert!(second.is_none_or(|retry| retry == units(9)), "{second:?}");
            assert_eq!((paused.take(8), paused.take(9)), (Some(units(9)), None));
        },
    )
}

/// The limiter is lowered to one permit at 6, while the one of 6 is taken: this is the one.
fn lowering_to_what_is_taken(fault: Option<Fault>) -> Result<usize, String> {
    explore(
        fault,
        || Paused::until(6),
        [
            |paused| {
                paused.lower(6, 1);
                None
            },
            |paused| paused.take(6),
        ],
        |paused, answers| {
            assert_eq!(answers, [None, None]);
            assert_eq!((paused.take(7), paused.take(8)), (Some(units(8)), None));
        },
    )
}

#[test]
fn a_lowering_and_a_call() {
    assert!(lowering(None).unwrap() > 1);
    assert!(lowering_to_what_is_taken(None).unwrap() > 1);
}

#[test]
fn a_lowering_that_forgets_a_charge() {
    lowering_to_what_is_taken(Some(fault("B", Effect::Overwrites))).unwrap_err();
}

#[test]
fn a_charge_that_forgets_a_lowering() {
    lowering(Some(fault("C", Effect::Overwrites))).unwrap_err();
}

/// The limiter is lowered while a pause begins: the pause holds, and what comes out of it is spaced.
#[test]
fn a_lowering_and_a_pause() {
    let explored = explore(
        None,
        || Paused::until(2),
        [
            |paused| {
                paused.lower(3, 0);
                paused.take(3)
            },
            |paused| {
                paused.begin(7);
                None
            },
        ],
        |paused, [call, _]| {
            assert!(call == Some(units(5)) || call == Some(units(7)), "{call:?}");
            assert_eq!(
                (paused.take(6), paused.take(7), paused.take(8)),
                (Some(units(7)), None, Some(units(9)))
            );
        },
    );
    assert!(explored.unwrap() > 1);
}

/// The limiter is lowered at 4, where it is idle, while a pause of long ago is ended: the lowering holds, or whoever ended it
/// is told.
fn lowering_against_a_resumption(fault: Option<Fault>) -> Result<usize, String> {
    explore(
        fault,
        || Paused::until(1),
        [
            |paused| paused.pause.end(units(4), paused.pace()),
            |paused| {
                paused.lower(4, 0);
                None
            },
        ],
        |paused, [ended, _]| {
            let holds = paused.pause.until(units(4), paused.pace());
            assert!(
                [(None, Some(units(6))), (Some(units(6)), None)].contains(&(ended, holds)),
                "{ended:?} {holds:?}"
            );
        },
    )
}

#[test]
fn a_lowering_against_a_resumption() {
    assert!(lowering_against_a_resumption(None).unwrap() > 1);
}

#[test]
fn a_resumption_that_ends_a_lowering_it_has_not_seen() {
    lowering_against_a_resumption(Some(fault("R", Effect::Overwrites))).unwrap_err();
}

/// A pause until 6 begins while one until 3 is ended: it holds, or whoever ended it is told.
fn resumption(fault: Option<Fault>) -> Result<usize, String> {
    explore(
        fault,
        || Paused::until(3),
        [
            |paused| paused.pause.end(units(1), paused.pace()),
            |paused| {
                paused.begin(6);
                None
            },
        ],
        |paused, [ended, _]| {
            let holds = paused.pause.until(units(1), paused.pace());
            let known = [(Some(units(3)), Some(units(6))), (Some(units(6)), None)];
            assert!(known.contains(&(ended, holds)), "ended {ended:?}, holds {holds:?}");
        },
    )
}

#[test]
fn a_pause_against_a_resumption() {
    assert!(resumption(None).unwrap() > 1);
}

#[test]
fn a_resumption_that_ends_what_it_has_not_seen() {
    resumption(Some(fault("R", Effect::Overwrites))).unwrap_err();
}
