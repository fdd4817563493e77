//! What does a caller who always has one more call to make get, and how long does it wait?

use std::time::Duration;

use tollgate::{Policy, Quota};

use crate::progress::Progress;
use crate::replay::{Figures, Strategy};
use crate::traffic::{Traffic, Workload};

/// One way to keep the policy, and how a greedy caller fares with it. Times are in nanoseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pacing {
    /// The strategy.
    pub strategy: Strategy,
    /// The quota that was added to the policy, if one was.
    pub added: Option<Quota>,
    /// The most calls that are granted at one instant.
    pub at_once: u32,
    /// The longest stretch in which the caller waits and is granted nothing.
    pub silence: u64,
    /// From the first call to the last of as many as the largest limit; `None` if that is past the last instant that
    /// the limiter can tell.
    pub one_limit: Option<u64>,
    /// The same for twice as many calls.
    pub two_limits: Option<u64>,
}

/// More calls than this are not replayed: the figures would take minutes.
const MOST_CALLS: u64 = 2_000_000;

/// The choices for `policy`: the exact log as it is, with an added quota, and the strict bucket. Empty if the
/// largest limit is too large to be replayed.
pub(super) fn choices(policy: &Policy) -> Vec<Pacing> {
    let mut choices = vec![paced(policy, Strategy::SlidingLog, None)];
    choices.extend(additions(policy).into_iter().map(|added| with(policy, added)));
    choices.push(paced(policy, Strategy::TokenBucketStrict, None));
    choices.into_iter().flatten().collect()
}

fn with(policy: &Policy, added: Quota) -> Option<Pacing> {
    let quotas: Vec<Quota> = std::iter::once(added).chain(policy.quotas().iter().copied()).collect();
    let wider = Policy::new(&quotas).and_then(|wider| wider.with_guard(policy.guard())).ok()?;
    paced(&wider, Strategy::SlidingLog, Some(added))
}

/// Quotas of the rate that the policy sustains, over shorter windows: as many calls as can be had at once today, and a
/// tenth of them.
fn additions(policy: &Policy) -> Vec<Quota> {
    let rate_below = |a: &Quota, b: &Quota| {
        u128::from(a.limit()) * b.window().as_nanos() < u128::from(b.limit()) * a.window().as_nanos()
    };
    let quotas = policy.quotas();
    let slowest =
        quotas.iter().fold(quotas[0], |slowest, it| if rate_below(it, &slowest) { *it } else { slowest });
    let burst = quotas.iter().map(Quota::limit).min().unwrap_or(1);
    let mut additions = Vec::new();
    for limit in [burst, burst.div_ceil(10)] {
        let window = (slowest.window().as_nanos() * u128::from(limit)).div_ceil(u128::from(slowest.limit()));
        let Ok(window) = u64::try_from(window) else { continue };
        let quota = Quota::new(limit, Duration::from_nanos(window));
        let new = quotas.iter().chain(&additions).all(|it: &Quota| it.window() != quota.window());
        if new && quota.window() < slowest.window() {
            additions.push(quota);
        }
    }
    additions
}

fn paced(policy: &Policy, strategy: Strategy, added: Option<Quota>) -> Option<Pacing> {
    // The added quota is the caller's own: its limit never is the largest.
    let calls = u64::from(policy.quotas().iter().map(Quota::limit).max()?);
    let waits = |count: u64| {
        let traffic = Traffic::new("greedy", &Workload::Greedy.events(1, count), false);
        strategy.replay(policy, &traffic, &Progress::hidden()).ok()
    };
    let two = (2 * calls <= MOST_CALLS).then(|| waits(2 * calls)).flatten()?;
    let last = |figures: &Figures| (figures.waiting.unserved == 0).then_some(figures.waiting.last);
    Some(Pacing {
        strategy,
        added,
        at_once: u32::try_from(two.granted).unwrap_or(u32::MAX),
        silence: two.waiting.silence,
        one_limit: last(&waits(calls)?),
        two_limits: last(&two),
    })
}
