//! Two threads that each ask two limiters together. In every execution, no limiter is above its burst. The permits that are
//! charged at the end are those of the granted calls, and those that refused calls forfeited.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use crate::algorithm::Algorithm;
use crate::decision::{Denied, Grant};
use crate::fault::{Effect, Fault, set_fault};
use crate::nanos::Nanos;
use crate::subject::{Subject, UNIT};
use crate::sync::enter_thread;
use crate::together::{TryGrant, try_acquire_all};

/// Limiters that regain nothing in the few units of a model.
const ONE: Subject = Subject::Strict(1, &[(1, 1_000)]);
const TWO: Subject = Subject::Strict(2, &[(2, 1_000)]);
const LOG: Subject = Subject::Log(&[(2, 1_000)]);

/// Which limiter is asked for how many permits, in this order.
type Asked = [(usize, u32); 2];

struct Several {
    limiters: [Subject; 2],
    threads: [(u64, Asked); 2],
}

/// What each thread was answered: granted, or refused with so many permits forfeited.
type Outcome = [Result<(), u64>; 2];

struct At<'a> {
    limiter: &'a dyn Algorithm,
    now: Nanos,
}

impl TryGrant for At<'_> {
    fn peek_n(&self, n: u32) -> Result<(), Denied> {
        self.limiter.peek_at(self.now, n)
    }

    fn try_grant_n(&self, n: u32) -> Result<Grant<'_>, Denied> {
        self.limiter.try_grant_at(self.now, n)
    }
}

type Limiters = [Box<dyn Algorithm>; 2];

fn ask(limiters: &Limiters, (now, asked): (u64, Asked)) -> Result<(), u64> {
    let now = Nanos::from_nanos(now * UNIT);
    let [one, other] = asked.map(|(limiter, n)| (At { limiter: &*limiters[limiter], now }, n));
    try_acquire_all(&[(&one.0, one.1), (&other.0, other.1)]).map_err(|refused| refused.forfeited())
}

fn left(limiters: &Limiters) -> [u32; 2] {
    [0, 1].map(|i| limiters[i].status_at(Nanos::from_nanos(9 * UNIT)).remaining())
}

impl Several {
    /// All outcomes of all executions with up to three preemptions.
    fn outcomes(&self) -> BTreeSet<Outcome> {
        let Several { limiters, threads } = *self;
        let outcomes: Arc<Mutex<BTreeSet<Outcome>>> = Arc::default();
        let seen = Arc::clone(&outcomes);
        let mut builder = loom::model::Builder::new();
        builder.max_branches = 4_000;
        builder.preemption_bound = Some(3);
        builder.check(move || {
            let limiters: Arc<Limiters> = Arc::new(limiters.map(Subject::build));
            let full = left(&limiters);
            let other = {
                let limiters = Arc::clone(&limiters);
                loom::thread::spawn(move || {
                    enter_thread(1);
                    ask(&limiters, threads[1])
                })
            };
            enter_thread(0);
            let outcome = [ask(&limiters, threads[0]), other.join().expect("a thread that returns")];
            let (mut used, mut forfeited) = ([0, 0], 0);
            for ((_, asked), answer) in threads.iter().zip(outcome) {
                match answer {
                    Ok(()) => asked.iter().for_each(|&(limiter, n)| used[limiter] += n),
                    Err(permits) => forfeited += permits,
                }
            }
            let left = left(&limiters);
            let unused =
                [0, 1].map(|i| full[i].checked_sub(used[i]).expect("more than the burst was granted"));
            let kept =
                [0, 1].map(|i| u64::from(unused[i].checked_sub(left[i]).expect("permits were minted")));
            assert_eq!(kept[0] + kept[1], forfeited, "{outcome:?} leaves {left:?} of {full:?}");
            seen.lock().unwrap().insert(outcome);
        });
        Arc::into_inner(outcomes).unwrap().into_inner().unwrap()
    }
}

const BOTH: Asked = [(0, 1), (1, 1)];
const BACKWARD: Asked = [(1, 1), (0, 1)];

#[test]
fn in_the_same_order_one_of_two_gets_the_last_permits() {
    let outcomes = Several { limiters: [ONE, ONE], threads: [(5, BOTH), (3, BOTH)] }.outcomes();
    assert_eq!(outcomes, BTreeSet::from([[Ok(()), Err(0)], [Err(0), Ok(())]]));
}

#[test]
fn in_opposite_orders_both_may_be_refused() {
    let outcomes = Several { limiters: [ONE, ONE], threads: [(5, BOTH), (3, BACKWARD)] }.outcomes();
    assert_eq!(outcomes, BTreeSet::from([[Ok(()), Err(0)], [Err(0), Ok(())], [Err(0), Err(0)]]));
}

/// The first to take a permit of the first limiter forfeits it if the other took one there since, and the last of the
/// second.
#[test]
fn whoever_comes_between_makes_a_permit_forfeit() {
    let outcomes = Several { limiters: [TWO, ONE], threads: [(5, BOTH), (5, BOTH)] }.outcomes();
    let expected = [[Ok(()), Err(0)], [Ok(()), Err(1)], [Err(0), Ok(())], [Err(1), Ok(())]];
    assert_eq!(outcomes, BTreeSet::from(expected));
}

/// A log takes nothing back, so it is better listed last.
#[test]
fn a_log_forfeits_unless_it_is_last() {
    let first = Several { limiters: [LOG, ONE], threads: [(5, BOTH), (3, BOTH)] }.outcomes();
    assert!(first.contains(&[Ok(()), Err(1)]));
    let last = Several { limiters: [LOG, ONE], threads: [(5, BACKWARD), (3, BACKWARD)] }.outcomes();
    assert_eq!(last, BTreeSet::from([[Ok(()), Err(0)], [Err(0), Ok(())]]));
}

/// The models see what they are for: a bucket that is charged, or restored, without a look at what it is.
#[test]
fn broken_buckets_are_caught() {
    let overwrites = Fault::new("algorithm/one_word.rs", "C", Effect::Overwrites);
    for (limiters, asked) in [([ONE, ONE], BACKWARD), ([TWO, ONE], BOTH)] {
        set_fault(Some(overwrites));
        let several = Several { limiters, threads: [(5, BOTH), (3, asked)] };
        assert!(catch_unwind(AssertUnwindSafe(|| several.outcomes())).is_err());
        set_fault(None);
    }
}
