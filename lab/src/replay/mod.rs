//! How does one strategy do on this traffic? Four passes, each on fresh limiters.

mod answers;
mod keyed;
mod memory;
mod strategy;
mod waiting;
mod waits;
mod window;

use std::hint::black_box;
use std::time::Instant;

use tollgate::{Algorithm, BuildError, Cause, Nanos, Policy};

pub use answers::Answers;
use memory::{held, uncounted};
pub use strategy::Strategy;
pub use waiting::{PERCENTS, Waiting};
pub use waits::Waits;
pub use window::Windows;

use crate::progress::Progress;
use crate::traffic::{Traffic, instant};

/// What is reported of a strategy.
#[derive(Clone, Debug)]
pub struct Figures {
    /// Events that were granted.
    pub granted: u64,
    /// What was answered to each event.
    pub answers: Answers,
    /// Refusals by the quota that was exceeded.
    pub refused_by: Vec<u64>,
    /// Refusals because no quota was exceeded, but the strategy spaces its calls so that none ever is.
    pub refused_by_pace: u64,
    /// Of those, the ones that asked for more permits than the strategy ever grants at once.
    pub never: u64,
    /// The most permits in any window, for each quota: of any one limiter.
    pub worst: Vec<u64>,
    /// What became of the instants that were promised in refusals.
    pub retry: Retry,
    /// How clients fare that wait instead of being refused.
    pub waiting: Waiting,
    /// Of the median pass; `None` if it is too short to be timed.
    pub ns_per_decision: Option<f64>,
    /// All limiters together, inline and on the heap; `None` without the feature `state-bytes`.
    pub state_bytes: Option<u64>,
}

impl Figures {
    /// Events that were refused.
    pub fn refused(&self) -> u64 {
        self.refused_by.iter().sum::<u64>() + self.refused_by_pace
    }
}

/// What became of the promised instants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retry {
    /// How many refusals of a client that stays away until it is told to come named an instant.
    pub promised: u64,
    /// Refused one nanosecond earlier, granted at the instant.
    pub kept: u64,
    /// Already granted one nanosecond earlier: the promise was too late.
    pub late: u64,
}

/// What one strategy may take: more would be killed rather than reported.
const MOST_BYTES: u64 = 4 << 30;

/// Replays `traffic` through limiters made by `build`, each with the `policy`.
///
/// # Errors
///
/// In words, why it cannot be done: the limiter cannot be built, or as many as there are clients take too much memory.
pub fn replay<A: Algorithm>(
    build: impl Fn() -> Result<A, BuildError>,
    policy: &Policy,
    traffic: &Traffic,
    progress: &Progress,
) -> Result<Figures, String> {
    let limiters = traffic.limiters();
    let fresh = || {
        // Exact, so that what the vector holds is what the limiters hold.
        let mut fresh = Vec::with_capacity(limiters);
        for _ in 0..limiters {
            fresh.push(build().map_err(|error| error.to_string())?);
        }
        Ok(fresh)
    };
    affordable(&build, limiters)?;
    through(fresh, policy, traffic, progress)
}

/// Replays `traffic` through the limiters that `fresh` makes: one for each client, or one for all.
fn through<A: Algorithm>(
    fresh: impl Fn() -> Result<Vec<A>, String>,
    policy: &Policy,
    traffic: &Traffic,
    progress: &Progress,
) -> Result<Figures, String> {
    let Decided { answers, refused_by, refused_by_pace, never, ended, unknown, state_bytes } =
        decide(&fresh, policy, traffic, progress)?;
    if let Some(quota) = unknown {
        return Err(format!(
            "a refusal names quota {quota} (counted from 0), and the policy has {}",
            policy.quotas().len()
        ));
    }
    if let Some(at) = ended {
        return Err(format!(
            "the trace is longer than this limiter lasts: at {} it tells no instant to come back, and later it refuses \
             everything",
            instant(traffic.origin + at)
        ));
    }
    let granted = answers.iter().filter(|&granted| granted).count() as u64;
    let ns_per_decision = cost(&fresh, granted, traffic)?;
    let retry = polite(&fresh()?, traffic, progress);
    let waiting = waiting::wait(&fresh()?, traffic, progress);
    // Against the windows as written: a guard is the strategy's business, not the server's.
    let worst = policy.quotas().iter().map(|quota| {
        let window = u64::try_from(quota.window().as_nanos()).unwrap_or(u64::MAX);
        worst(traffic, &answers, window)
    });
    let worst = worst.collect();
    Ok(Figures {
        granted,
        answers,
        refused_by,
        refused_by_pace,
        never,
        worst,
        retry,
        waiting,
        ns_per_decision,
        state_bytes,
    })
}

/// `Err` if so many limiters would take more memory than is decent.
fn affordable<A>(build: impl Fn() -> Result<A, BuildError>, limiters: usize) -> Result<(), String> {
    let mut one = None;
    let heap = held(|| one = Some(build())).unwrap_or(0);
    if let Some(Err(error)) = one {
        return Err(error.to_string());
    }
    let bytes = (size_of::<A>() as u64 + heap).saturating_mul(limiters as u64);
    if bytes > MOST_BYTES {
        return Err(format!(
            "{limiters} limiters would take {} MiB; the lab stops at {} MiB",
            bytes >> 20,
            MOST_BYTES >> 20
        ));
    }
    Ok(())
}

/// What was decided.
struct Decided {
    answers: Answers,
    refused_by: Vec<u64>,
    refused_by_pace: u64,
    never: u64,
    /// When the limiters' clock had ended.
    ended: Option<u64>,
    /// A quota that a refusal named and the policy does not have.
    unknown: Option<usize>,
    state_bytes: Option<u64>,
}

fn decide<A: Algorithm>(
    fresh: impl Fn() -> Result<Vec<A>, String>,
    policy: &Policy,
    traffic: &Traffic,
    progress: &Progress,
) -> Result<Decided, String> {
    let mut answers = Answers::with_capacity(traffic.steps.len());
    let mut refused_by = vec![0; policy.quotas().len()];
    let (mut refused_by_pace, mut never, mut ended, mut unknown) = (0, 0, None, None);
    let mut kept = None;
    let state_bytes = held(|| {
        kept = Some(fresh().inspect(|limiters| {
            for chunk in traffic.steps.chunks(1 << 16) {
                for step in chunk {
                    let limiter = &limiters[traffic.limiter(step)];
                    let answer = limiter.try_acquire_at(Nanos::from_nanos(step.at), step.cost);
                    answers.push(answer.is_ok());
                    if let Err(denied) = answer {
                        match denied.cause() {
                            Cause::Quota(quota) => match refused_by.get_mut(quota) {
                                Some(count) => *count += 1,
                                None => unknown = Some(quota),
                            },
                            _ => refused_by_pace += 1,
                        }
                        match denied.retry_at() {
                            None if step.cost > denied.burst() => never += 1,
                            // An instant can only be missing because the clock cannot tell it.
                            None => ended = ended.or(Some(step.at)),
                            Some(_) => {}
                        }
                    }
                }
                uncounted(|| progress.advance(chunk.len()));
            }
        }));
    });
    // The limiters are still there, and no strategy ever shrinks: what is held now was the most.
    match kept {
        Some(Err(error)) => Err(error),
        _ => Ok(Decided { answers, refused_by, refused_by_pace, never, ended, unknown, state_bytes }),
    }
}

/// Fewer events than this, and a pass would time the clock.
const LEAST_TIMED: usize = 1_000;

/// Nanoseconds per decision, of the median of several passes. The clock is read twice a pass.
#[expect(clippy::cast_precision_loss, reason = "a figure to show")]
fn cost<A: Algorithm>(
    fresh: impl Fn() -> Result<Vec<A>, String>,
    granted: u64,
    traffic: &Traffic,
) -> Result<Option<f64>, String> {
    if traffic.steps.len() < LEAST_TIMED {
        return Ok(None);
    }
    let passes = (500_000 / traffic.steps.len()).clamp(3, 31) | 1;
    let mut times = Vec::with_capacity(passes);
    for _ in 0..passes {
        let limiters = fresh()?;
        let start = Instant::now();
        let mut count = 0;
        for step in &traffic.steps {
            let limiter = &limiters[traffic.limiter(step)];
            count += u64::from(limiter.try_acquire_at(Nanos::from_nanos(step.at), step.cost).is_ok());
        }
        times.push(start.elapsed());
        if black_box(count) != granted {
            return Err("it answers the same requests differently each time: it must take the time from its argument, \
                        and nothing from chance"
                .into());
        }
    }
    times.sort_unstable();
    Ok(Some(times[passes / 2].as_secs_f64() * 1e9 / traffic.steps.len() as f64))
}

/// A client that does as it is told: refused with an instant, it stays away until that instant. There, and one
/// nanosecond before, it knocks.
fn polite<A: Algorithm>(limiters: &[A], traffic: &Traffic, progress: &Progress) -> Retry {
    let mut retry = Retry::default();
    let mut away_until = vec![0; limiters.len()];
    for chunk in traffic.steps.chunks(1 << 16) {
        for step in chunk {
            let which = traffic.limiter(step);
            if step.at < away_until[which] {
                continue;
            }
            let ask = |at| limiters[which].try_acquire_at(Nanos::from_nanos(at), step.cost);
            // No instant is no promise: with one permit, only past the limiter's horizon.
            let Some(instant) = ask(step.at).err().and_then(|denied| denied.retry_at()) else { continue };
            let instant = instant.as_nanos();
            retry.promised += 1;
            if instant <= step.at {
                continue;
            }
            if ask(instant - 1).is_ok() {
                retry.late += 1;
            } else if ask(instant).is_ok() {
                retry.kept += 1;
            }
            away_until[which] = instant;
        }
        progress.advance(chunk.len());
    }
    retry
}

/// The most grants in any window of `length`.
fn worst(traffic: &Traffic, answers: &Answers, length: u64) -> u64 {
    let mut windows = Windows::new(length, traffic.limiters());
    let granted = traffic.steps.iter().zip(answers.iter()).filter(|(_, granted)| *granted);
    granted.map(|(step, _)| windows.grant(traffic.limiter(step), step.at, step.cost)).max().unwrap_or(0)
}
