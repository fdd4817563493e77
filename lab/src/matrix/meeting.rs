//! What happens between one client and one server?
//!
//! All in virtual time. The client's calls queue in order of arrival. The first of the queue asks the limiter, and is
//! sent when it is granted. A call reaches the server after a delay, which is random and below the jitter; the server
//! answers, and the answer comes back after another.
//!
//! A refusal is a 429 with a `Retry-After` (whole seconds, rounded up, at least 1). A server that writes the fields of
//! `RateLimit` writes them into every answer, by [`Fields`]. The client reads each answer by [`Feedback`], and its
//! limiter heeds it. A refused call goes back to the head of the queue. A client without a limiter sends every call when it
//! comes, and a refused one again when its own `Retry-After` has passed.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::time::{Duration, UNIX_EPOCH};

use ::http::header::RETRY_AFTER;
use ::http::{HeaderMap, StatusCode};
use fastrand::Rng;
use tollgate::http::{Feedback, Fields, Heed};
use tollgate::{Algorithm, Denied, Manual, Nanos, Quota, RateLimiter};

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
    /// The answer to a call reaches the client.
    Answered(usize),
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

/// Lets a client with `limiter` send `calls` to `server`, which writes `fields` if it has any, until all are granted or
/// more than `most` answers were refusals.
///
/// The client believes each pause that the server asks for, up to the longest window of its own policy.
pub fn meet(
    limiter: Option<&dyn Algorithm>,
    server: &dyn Algorithm,
    fields: Option<&Fields>,
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
    let clock = Manual::new();
    let client = limiter.map(|limiter| Client::new(limiter, &clock));
    let mut queue = VecDeque::new();
    // The answers that are under way, at most one to a call.
    let mut answers: HashMap<usize, Feedback> = HashMap::new();
    let mut next_look = u64::MAX;
    let mut outcome = Outcome::default();
    let Some(&Step { at: first, .. }) = calls.first() else { return outcome };
    at(&mut events, first, Event::Comes(0));
    let mut left = PATIENCE.saturating_mul(calls.len() as u64);
    while let Some(Reverse((now, _, event))) = events.pop() {
        if left == 0 || outcome.refused > most {
            break;
        }
        left -= 1;
        clock.set(Nanos::from_nanos(now));
        match event {
            Event::Comes(call) => {
                if let Some(next) = calls.get(call + 1) {
                    at(&mut events, next.at, Event::Comes(call + 1));
                }
                if client.is_some() {
                    queue.push_back(call);
                } else {
                    at(&mut events, now + delay(), Event::Reaches(call));
                }
            }
            Event::Again(call) => at(&mut events, now + delay(), Event::Reaches(call)),
            Event::Reaches(call) => {
                let (instant, cost) =
                    (Nanos::from_nanos(now.saturating_add(network.phase)), calls[call].cost);
                let answer = match server.try_acquire_at(instant, cost) {
                    Ok(()) => {
                        outcome.granted += 1;
                        outcome.took = now - first;
                        outcome.longest_wait = outcome.longest_wait.max(now - calls[call].at);
                        fields.filter(|_| client.is_some()).map(|fields| granted(fields, server, instant))
                    }
                    Err(denied) => {
                        outcome.refused += 1;
                        let Some(seconds) = denied.retry_after_secs() else { continue };
                        let seconds = seconds.max(1);
                        if client.is_none() {
                            // It has millions of refusals, and needs nothing of them but this.
                            let after = seconds.saturating_mul(SECOND);
                            at(&mut events, (now + delay()).saturating_add(after), Event::Again(call));
                            continue;
                        }
                        Some(match fields {
                            Some(fields) => refused(fields, server, instant, &denied, cost),
                            None => refused_without_fields(seconds),
                        })
                    }
                };
                if let Some(answer) = answer {
                    answers.insert(call, answer);
                    at(&mut events, now + delay(), Event::Answered(call));
                }
            }
            Event::Answered(call) => {
                let (Some(said), Some(client)) = (answers.remove(&call), &client) else { continue };
                said.heed(&client.limiter, &client.heed);
                if said.is_refusal() {
                    queue.push_front(call);
                }
            }
            Event::Look => next_look = u64::MAX,
        }
        let Some(client) = &client else { continue };
        while let Some(&call) = queue.front() {
            match client.limiter.try_acquire_n(calls[call].cost) {
                Ok(()) => {
                    queue.pop_front();
                    at(&mut events, now + delay(), Event::Reaches(call));
                    continue;
                }
                Err(denied) => match denied.retry_at().map(Nanos::as_nanos) {
                    Some(wake) if wake < next_look => {
                        next_look = wake;
                        at(&mut events, wake, Event::Look);
                    }
                    Some(_) => {}
                    None => {
                        queue.pop_front();
                        continue;
                    }
                },
            }
            break;
        }
    }
    outcome.given_up = calls.len() as u64 - outcome.granted;
    outcome
}

/// A limiter with the time of the trial, and how far it heeds a server.
struct Client<'a> {
    limiter: RateLimiter<&'a dyn Algorithm, Manual>,
    heed: Heed,
}

impl<'a> Client<'a> {
    fn new(limiter: &'a dyn Algorithm, clock: &Manual) -> Client<'a> {
        let longest = limiter.policy().quotas().iter().map(Quota::window).max().unwrap_or_default();
        let heed = Heed::new().with_longest_pause(longest);
        Client { limiter: RateLimiter::new(limiter, clock.clone()), heed }
    }
}

/// What a client reads in the answer to a call that was granted.
fn granted(fields: &Fields, server: &dyn Algorithm, instant: Nanos) -> Feedback {
    let mut headers = HeaderMap::new();
    fields.write(&mut headers, &server.status_at(instant));
    Feedback::read_at(StatusCode::OK, &headers, UNIX_EPOCH)
}

/// What a client reads in the answer to a call that was refused.
fn refused(fields: &Fields, server: &dyn Algorithm, instant: Nanos, denied: &Denied, cost: u32) -> Feedback {
    let mut headers = HeaderMap::new();
    fields.refusal(denied, &server.status_at(instant), cost).write(&mut headers);
    Feedback::read_at(StatusCode::TOO_MANY_REQUESTS, &headers, UNIX_EPOCH)
}

/// The same, if there is nothing but a `Retry-After`.
fn refused_without_fields(seconds: u64) -> Feedback {
    let mut headers = HeaderMap::new();
    headers.insert(RETRY_AFTER, seconds.into());
    Feedback::read_at(StatusCode::TOO_MANY_REQUESTS, &headers, UNIX_EPOCH)
}
