//! A pause, and the way out of it.
//!
//! A server that answers 429 counts more calls than we do. If we sent all that the policy allows as soon as the pause is
//! over, most of it would be refused again. So a limiter comes out of a pause *empty*: there is a second token bucket
//! beside the algorithm. It is the bucket of the quota with the smallest limit (burst `b`, interval `T`). It holds one permit
//! when the pause ends, and it regains one per `T`. When it is full, it is forgotten.
//!
//! A server that has fewer permits left than we have lowers the same bucket without a pause.
//!
//! # State
//!
//! `tat: { nanoseconds: 64 }`, the instant at which that bucket is full.
//!
//! - I1. 0 means that there never was a pause. An instant that has passed means that the last pause is forgotten. In both
//!   cases a decision only costs one more load.
//! - I2. A pause until `u` raises `tat` to at least `u + (b - 1) T`. So of several pauses, the one that ends last holds.
//!   To lower the bucket to `n` permits at `t` raises it to at least `t + (b - n) T`.
//! - I3. A charge of `n` permits raises `tat` by `n T`, and it is made only if `tat - (b - n) T <= now`. So all callers that
//!   see the pause are together granted at most `1 + (t - u) / T` permits up to any instant `t`. Calls that see that the bucket
//!   was lowered to `n` permits at `u` are together granted at most `n + (t - u) / T`.
//! - I4. Only [`Pause::end`] lowers `tat`, to 0. `u64::MAX` is a pause without an end, and no charge reaches it.
//!
//! # Linearization
//!
//! | operation | outcome | takes effect at | because |
//! |---|---|---|---|
//! | `begin`, `lower` | | B | one read-modify-write |
//! | `end` | | R | it replaces the very value that it returns |
//! | a call | refused by the pause | L, the load in that round | a refusal writes nothing |
//! | a call | refused by the algorithm | as the algorithm says | the pause did not forbid it at L |
//! | a call | granted | as the algorithm says | C charged the bucket before, from the value that was checked |
//! | a call | not affected | L | `tat` had passed |
//!
//! Between C and the algorithm's own decision another call may take the last permit of the algorithm. Then the charge at
//! C stays, and the call starts again. This delays the next permit by `n T`. It never lets a permit through too early.
//!
//! # Orderings
//!
//! Promise to the caller: a call that happens after a pause began sees it, because one location has one modification order.
//! "After" is by whatever synchronizes two threads: a lock, a channel, a join. A pause publishes no other memory.
//!
//! | site | operation | ordering | pairs with | if weaker | held by |
//! |---|---|---|---|---|---|
//! | L | load `tat` | Relaxed | - | is the weakest: C retries | `two_calls_after_a_pause` |
//! | B | `fetch_max` `tat` | Relaxed | - | is the weakest: a read-modify-write reads the latest value | `two_pauses_and_a_call`, `a_lowering_and_a_call` |
//! | C | CAS `tat`, charge | Relaxed, Relaxed | - | the same | `two_calls_after_a_pause`, `a_lowering_and_a_call` |
//! | R | CAS `tat`, end | Relaxed, Relaxed | - | the same | `a_pause_against_a_resumption`, `a_lowering_against_a_resumption` |

use core::time::Duration;

use crate::algorithm::Algorithm;
use crate::decision::{Denied, QuotaStatus};
use crate::nanos::Nanos;
use crate::quota::Policy;
use crate::sync::AtomicU64;
use crate::sync::Ordering::Relaxed;

#[derive(Debug)]
pub(crate) struct Pause {
    tat: AtomicU64,
}

/// A pause until it is ended.
const ENDLESS: u64 = u64::MAX;

/// The bucket of the quota with the smallest limit.
#[derive(Clone, Copy)]
pub(crate) struct Pace {
    burst: u32,
    /// In nanoseconds.
    interval: u64,
}

impl Pace {
    /// How long a permit takes to come back.
    #[allow(dead_code, reason = "only the module http needs it")]
    pub(crate) fn interval(self) -> Duration {
        Duration::from_nanos(self.interval)
    }

    pub(crate) fn of(policy: &Policy) -> Pace {
        let (quota, burst) = policy.smallest_limit();
        let (limit, window) = policy.rules().nth(quota).unwrap_or((1, 1)); // This never happens: a policy has a quota.
        Pace { burst, interval: window.div_ceil(u64::from(limit)) }
    }

    /// The instant from which the bucket has `n` permits.
    fn ready(self, tat: u64, n: u32) -> u64 {
        if tat == ENDLESS {
            return ENDLESS;
        }
        tat.saturating_sub(self.interval * u64::from(self.burst.saturating_sub(n)))
    }

    fn charged(self, tat: u64, n: u32) -> u64 {
        tat.saturating_add(self.interval.saturating_mul(n.into())).min(ENDLESS - 1)
    }
}

impl Pause {
    /// No pause yet.
    pub(crate) fn none() -> Pause {
        Pause { tat: AtomicU64::new(0) }
    }

    #[inline]
    fn tat(&self) -> u64 {
        self.tat.load(Relaxed) // L
    }

    /// Whether a call at `now` must be [decided](Pause::decide) under a pause.
    #[inline]
    pub(crate) fn affects(&self, now: Nanos) -> bool {
        now.as_nanos() < self.tat()
    }

    /// Nothing is granted before `until`.
    pub(crate) fn begin(&self, until: Nanos, pace: Pace) {
        self.raise(until.as_nanos().saturating_add(pace.interval * u64::from(pace.burst - 1)));
    }

    /// Nothing is granted from `now` on but `n` permits, and one more per interval.
    #[allow(dead_code, reason = "only the module http needs it")]
    pub(crate) fn lower(&self, now: Nanos, n: u32, pace: Pace) {
        let missing = pace.interval * u64::from(pace.burst.saturating_sub(n));
        self.raise(now.as_nanos().saturating_add(missing).min(ENDLESS - 1));
    }

    fn raise(&self, tat: u64) {
        self.tat.fetch_max(tat, Relaxed); // B
    }

    /// Ends every pause that began before, as if there had been none. Tells when the next permit would have been granted,
    /// if that lies after `now`.
    pub(crate) fn end(&self, now: Nanos, pace: Pace) -> Option<Nanos> {
        loop {
            let tat = self.tat();
            let ended = self.tat.compare_exchange(tat, 0, Relaxed, Relaxed).is_ok(); // R
            if ended {
                return Pause::next(tat, now, pace);
            }
        }
    }

    /// When the next permit is granted, if that lies after `now`.
    pub(crate) fn until(&self, now: Nanos, pace: Pace) -> Option<Nanos> {
        Pause::next(self.tat(), now, pace)
    }

    fn next(tat: u64, now: Nanos, pace: Pace) -> Option<Nanos> {
        Some(Nanos::from_nanos(pace.ready(tat, 1))).filter(|&next| next > now)
    }

    /// What the bucket leaves; `None` if it is full.
    pub(crate) fn left(&self, now: Nanos, pace: Pace) -> Option<QuotaStatus> {
        let tat = self.tat();
        let used = tat.checked_sub(now.as_nanos()).filter(|&debt| debt > 0)?.div_ceil(pace.interval);
        let remaining = u64::from(pace.burst).saturating_sub(used);
        Some(QuotaStatus {
            remaining: u32::try_from(remaining).unwrap_or(pace.burst),
            next_at: Pause::next(tat, now, pace).unwrap_or(now),
            reset_at: Nanos::from_nanos(tat),
        })
    }

    /// What `decide` says at `now` to a call for `n` permits, or the pause. If `charges`, a grant is charged to the pause's
    /// bucket, too.
    pub(crate) fn decide<'a, A: Algorithm + ?Sized, R>(
        &self,
        algorithm: &'a A,
        now: Nanos,
        n: u32,
        charges: bool,
        decide: impl Fn(&'a A, Nanos, u32) -> Result<R, Denied>,
    ) -> Result<R, Denied> {
        let pace = Pace::of(algorithm.policy());
        loop {
            let tat = self.tat();
            if n == 0 || tat <= now.as_nanos() {
                return decide(algorithm, now, n);
            }
            let ready = pace.ready(tat, n);
            if ready > now.as_nanos() {
                return Err(refusal(algorithm, now, ready, n));
            }
            if !charges {
                return decide(algorithm, now, n);
            }
            algorithm.peek_at(now, n)?;
            if self.charge(tat, pace.charged(tat, n)) {
                // A refusal means that another call was faster. Then the pause may forbid this call now.
                if let Ok(granted) = decide(algorithm, now, n) {
                    return Ok(granted);
                }
            }
        }
    }

    fn charge(&self, tat: u64, charged: u64) -> bool {
        self.tat.compare_exchange(tat, charged, Relaxed, Relaxed).is_ok() // C
    }
}

/// The refusal at `now` of a call for `n` permits, at least one, which the pause admits from `ready` on.
fn refusal<A: Algorithm + ?Sized>(algorithm: &A, now: Nanos, ready: u64, n: u32) -> Denied {
    let burst = |at| algorithm.peek_at(at, u32::MAX).map_or_else(|denied| denied.burst(), |()| u32::MAX);
    let paused = |at, burst| Denied::new(now, 0, at, burst).in_a_pause(now);
    if ready == ENDLESS {
        return match algorithm.peek_at(now, n) {
            Err(denied) if n > denied.burst() => denied,
            _ => paused(None, burst(now)),
        };
    }
    let ready = Nanos::from_nanos(ready);
    match algorithm.peek_at(ready, n) {
        Ok(()) => paused(Some(ready), burst(ready)),
        Err(denied) if denied.retry_at().is_none() => denied.made_at(now),
        Err(denied) => denied.in_a_pause(now),
    }
}
