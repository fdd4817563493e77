//! What happens between one client and one server?
//!
//! All in virtual time. The client's calls queue in order of arrival. The first of the queue asks the limiter, and is
//! sent when it is granted. A call reaches the server after a delay, which is random and below the jitter; the server
//! answers, and the answer comes back after another. A refused call goes back to the head of the queue, and
//! nothing is sent before the `Retry-After` (whole seconds, rounded up, at least 1) has passed. A client without a limiter
//! sends every call when it comes, and a refused one again when its own `Retry-After` has passed.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

use fastrand::Rng;
use tollgate::{Algorithm, Nanos};

use crate::traffic::Step;

/// How it went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Calls that the server granted.
    pub granted: u64,
    /// Answers 429.
    pub refused: u64,
    /// From the first arrival until the last call was granted, in nanoseconds.
    pub took: u64,
    /// The longest time from a call's arrival until it was granted, in nanoseconds.
    pub longest_wait: u64,
    /// Calls that were given up: the limiter or the server never grants them, or it took too long.
    pub given_up: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// The client looks at its queue.
    Look,
    /// The next call of the traffic comes.
    Comes(usize),
    /// A call reaches the server.
    Reaches(usize),
    /// A refusal reaches the client: nothing is to be sent for so long.
    Refused(usize, Option<u64>),
    /// A client without a limiter sends a call again.
    Again(usize),
}

/// A meeting ends after so many events a call: a client that only obeys may need hundreds.
const PATIENCE: u64 = 5_000;

const SECOND: u64 = 1_000_000_000;

/// What lies between a client and a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// Each way of a call takes a random time from 0 up to this, in nanoseconds.
    pub jitter: u64,
    /// What the server's clock shows when the client's shows 0, in nanoseconds.
    pub phase: u64,
    /// Which delays come.
    pub seed: u64,
}

impl Network {
    /// Delays of up to `jitter`, and a server's clock that stands anywhere within an hour, as `seed` has it.
    pub fn new(jitter: Duration, seed: u64) -> Network {
        let jitter = u64::try_from(jitter.as_nanos()).unwrap_or(u64::MAX).min(u64::MAX >> 2);
        let phase = Rng::with_seed(seed).u64(0..3_600 * SECOND);
        Network { jitter, phase, seed }
    }
}

/// Lets a client with `limiter` send `calls` to `server`, until all are granted or more than `most` answers
/// were refusals.
pub fn meet(
    limiter: Option<&dyn Algorithm>,
    server: &dyn Algorithm,
    calls: &[Step],
    network: Network,
    most: u64,
) -> Outcome {
    let mut rng = Rng::with_seed(network.seed);
    let mut delay = || rng.u64(0..=network.jitter);
    let mut events = BinaryHeap::new();
    let mut number = 0_u64;
    let mut at = |events: &mut BinaryHeap<_>, time: u64, event: Event| {
        number += 1;
        events.push(Reverse((time, number, event)));
    };
    let mut queue = VecDeque::new();
    let (mut paused_until, mut next_look) = (0, u64::MAX);
    let mut outcome = Outcome::default();
    let first = calls.first().map_or(0, |step| step.at);
    if let Some(step) = calls.first() {
        at(&mut events, step.at, Event::Comes(0));
    }
    let mut left = PATIENCE.saturating_mul(calls.len() as u64);
    while let Some(Reverse((now, _, event))) = events.pop() {
        if left == 0 || outcome.refused > most {
            break;
        }
        left -= 1;
        match event {
            Event::Comes(call) => {
                if let Some(next) = calls.get(call + 1) {
                    at(&mut events, next.at, Event::Comes(call + 1));
                }
                if limiter.is_some() {
                    queue.push_back(call);
                } else {
                    at(&mut events, now + delay(), Event::Reaches(call));
                }
            }
            Event::Again(call) => at(&mut events, now + delay(), Event::Reaches(call)),
            Event::Reaches(call) => {
                let instant = Nanos::from_nanos(now.saturating_add(network.phase));
                match server.try_acquire_at(instant, calls[call].cost) {
                    Ok(()) => {
                        outcome.granted += 1;
                        outcome.took = now - first;
                        outcome.longest_wait = outcome.longest_wait.max(now - calls[call].at);
                    }
                    Err(denied) => {
                        outcome.refused += 1;
                        let after =
                            denied.retry_after_secs().map(|seconds| seconds.max(1).saturating_mul(SECOND));
                        at(&mut events, now + delay(), Event::Refused(call, after));
                    }
                }
            }
            Event::Refused(_, None) => {}
            Event::Refused(call, Some(after)) if limiter.is_some() => {
                queue.push_front(call);
                paused_until = paused_until.max(now.saturating_add(after));
            }
            Event::Refused(call, Some(after)) => {
                at(&mut events, now.saturating_add(after), Event::Again(call));
            }
            Event::Look => next_look = u64::MAX,
        }
        let Some(limiter) = limiter else { continue };
        while let Some(&call) = queue.front() {
            let wake = if now < paused_until {
                Some(paused_until)
            } else {
                match limiter.try_acquire_at(Nanos::from_nanos(now), calls[call].cost) {
                    Ok(()) => {
                        queue.pop_front();
                        at(&mut events, now + delay(), Event::Reaches(call));
                        continue;
                    }
                    Err(denied) => denied.retry_at().map(Nanos::as_nanos),
                }
            };
            match wake {
                Some(wake) if wake < next_look => {
                    next_look = wake;
                    at(&mut events, wake, Event::Look);
                }
                Some(_) => {}
                None => {
                    queue.pop_front();
                    continue;
                }
            }
            break;
        }
    }
    outcome.given_up = calls.len() as u64 - outcome.granted;
    outcome
}
