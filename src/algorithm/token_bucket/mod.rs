//! Token buckets in the form of the Generic Cell Rate Algorithm. The state of a bucket is one instant, its theoretical
//! arrival time (TAT): when it is full again.

mod announced;
pub(crate) mod interval;
mod pair;
pub(super) mod word;

use alloc::boxed::Box;
use core::num::NonZeroU32;

use announced::Announced;
use pair::Pair;
use word::Word;

use super::one_word::{self, OneWord};
use super::{Algorithm, BuildError, Plan};
use crate::decision::{Denied, Grant, Receipt, Status};
use crate::nanos::Nanos;
use crate::quota::Policy;

/// A token bucket, in one of two meanings.
///
/// | | [`strict`](TokenBucket::strict) | [`nominal`](TokenBucket::nominal) |
/// |---|---|---|
/// | buckets | one for all quotas | one per quota, decided together |
/// | most in any window of `limit` | `limit` | `2 * limit - 1` |
/// | burst | chosen by the [`Plan`]: 26 for 50/min and 1500/h | the smallest limit: 50 |
/// | sustained rate | the plan's: 98.3 % | 100 % |
/// | state, beside the policy | 8 bytes | 8 bytes for one quota or two, 8 per quota and 8 more otherwise |
/// | cost of a grant | one CAS | one CAS for one quota or two; otherwise two CAS, and one per quota |
/// | cost of a refusal | one load | one load for one quota or two; otherwise two loads, and one per quota |
/// | timestamps overflow after | 584 years | 8.7 years for 50/min and 1500/h |
///
/// Only `strict` keeps the rule. `nominal` is the textbook form that most limiters implement. With 50 per minute it lets up
/// to 99 calls through in a minute.
///
/// ```
/// use core::time::Duration;
/// use tollgate::{Algorithm, Nanos, Policy, TokenBucket};
///
/// let strict = TokenBucket::strict(Policy::MICROSOFT_365_DEFENDER)?;
/// let nominal = TokenBucket::nominal(Policy::MICROSOFT_365_DEFENDER)?;
///
/// let now = Nanos::from_secs(1);
/// assert!(strict.try_acquire_at(now, 26).is_ok());
/// let denied = strict.try_acquire_at(now, 1).unwrap_err();
/// assert_eq!(denied.retry_after(), Some(Duration::from_nanos(2_440_677_967)));
///
/// assert!(nominal.try_acquire_at(now, 50).is_ok());
/// let denied = nominal.try_acquire_at(now, 1).unwrap_err();
/// assert_eq!((denied.quota(), denied.retry_after()), (0, Some(Duration::from_millis(1200))));
/// # Ok::<(), tollgate::BuildError>(())
/// ```
#[derive(Debug)]
pub struct TokenBucket {
    state: State,
    /// The burst of the plan. `None` if nominal.
    burst: Option<NonZeroU32>,
    policy: Policy,
}

#[derive(Debug)]
enum State {
    Word(OneWord<Word>),
    Pair(OneWord<Pair>),
    Announced(Box<Announced>),
}

impl State {
    fn word(judge: Word) -> State {
        State::Word(OneWord { judge, word: one_word::Word::new(0) })
    }

    fn pair(judge: Pair) -> State {
        let word = one_word::Word::new(judge.start());
        State::Pair(OneWord { word, judge })
    }
}

/// Not inlined, so that the limiter of one bucket stays small where it is inlined.
#[inline(never)]
fn try_pair(pair: &OneWord<Pair>, now: Nanos, n: u32) -> Result<(), Denied> {
    pair.try_acquire_at(now, n)
}

impl TokenBucket {
    /// One bucket that never exceeds any quota in any window, with the default burst of [`Plan::new`].
    ///
    /// **The default burst is small, above all for a single quota.** It is the largest that keeps 98 % of the sustained
    /// rate: 26 for 50/min and 1500/h, but 2 for 50/min alone, and 1 for 10/s alone. The reason: what is granted at once
    /// must be missing from the rest of the window, and of a single quota that is all there is. A caller who expects to
    /// spend 50 a minute at once is refused at the third call. For that use a [`WindowCounter`](crate::WindowCounter),
    /// which grants the whole limit at once from the same 8 bytes, or [`with_burst`](TokenBucket::with_burst). See
    /// [`Choice`](crate::Choice) for all algorithms side by side.
    ///
    /// # Errors
    ///
    /// [`BuildError::Unrepresentable`] if the rate is too high for the state word.
    pub fn strict(policy: Policy) -> Result<TokenBucket, BuildError> {
        Plan::new(policy).map(TokenBucket::from)
    }

    /// Like [`strict`](TokenBucket::strict), with a burst of `burst`. A larger burst lowers the sustained rate.
    ///
    /// # Errors
    ///
    /// [`BuildError::BurstOutOfRange`], or [`BuildError::Unrepresentable`] if the rate is too high for the
    /// state word.
    pub fn with_burst(policy: Policy, burst: u32) -> Result<TokenBucket, BuildError> {
        Plan::with_burst(policy, burst).map(TokenBucket::from)
    }

    /// The textbook form: one bucket of `limit` permits per quota, which regains `limit` permits per `window`. A call is charged
    /// to all buckets or to none.
    ///
    /// **It does not keep the rule.** A window can hold `2 * limit - 1` permits: 99 and 2999 for 50/min and 1500/h.
    ///
    /// Two quotas share one word if it can hold timestamps of eight years. The word has a clock grid, whose step is 1, 2, 2.5 or
    /// 5 times a power of ten nanoseconds: 250 us for 50/min and 1500/h. The grid makes the bucket stricter by less than
    /// 1e-4, and never less strict. If permits are taken one by one between two steps, the last permit of a full
    /// bucket is granted at the next step.
    ///
    /// # Errors
    ///
    /// [`BuildError::Unrepresentable`] if a rate is too high for the state words.
    pub fn nominal(policy: Policy) -> Result<TokenBucket, BuildError> {
        let state = match policy.quotas().len() {
            1 => State::word(Word::nominal(&policy)?),
            2 => match Pair::new(&policy) {
                Some(pair) => State::pair(pair),
                None => State::Announced(Box::new(Announced::new(&policy)?)),
            },
            _ => State::Announced(Box::new(Announced::new(&policy)?)),
        };
        Ok(TokenBucket { state, burst: None, policy })
    }

    /// Counts `n` permits that were used before, as if all of them had been granted at `now`. This is for a client that
    /// restarts while the server still remembers its calls.
    ///
    /// They are added to the permits that this bucket has granted itself. An `n` above the largest limit counts as the
    /// largest limit.
    ///
    /// ```
    /// use tollgate::{Algorithm, Nanos, Policy, TokenBucket};
    ///
    /// let bucket = TokenBucket::strict(Policy::MICROSOFT_365_DEFENDER)?.with_used(Nanos::ZERO, 26);
    /// assert!(bucket.try_acquire_at(Nanos::ZERO, 1).is_err());
    /// # Ok::<(), tollgate::BuildError>(())
    /// ```
    #[must_use]
    pub fn with_used(mut self, now: Nanos, n: u32) -> TokenBucket {
        let n = n.min(self.policy.largest_limit());
        if n == 0 {
            return self;
        }
        match &mut self.state {
            State::Word(OneWord { word, judge }) => {
                *word = one_word::Word::new(judge.with_used(word.load(), now, n));
            }
            State::Pair(OneWord { word, judge }) => {
                *word = one_word::Word::new(judge.with_used(word.load(), now, n));
            }
            State::Announced(announced) => announced.start_with_used(now, n),
        }
        self
    }

    /// Like [`with_used`](TokenBucket::with_used) with as many permits as can be granted at once, so that a client that was
    /// restarted does not spend a second burst. For a strict bucket, this accounts for everything that was granted before.
    /// For a nominal bucket, the longer quotas count no more than these permits.
    ///
    /// ```
    /// use core::time::Duration;
    /// use tollgate::{Algorithm, Nanos, Policy, TokenBucket};
    ///
    /// let bucket = TokenBucket::strict(Policy::MICROSOFT_365_DEFENDER)?.start_empty(Nanos::ZERO);
    /// let denied = bucket.try_acquire_at(Nanos::ZERO, 1).unwrap_err();
    /// assert_eq!(denied.retry_after(), Some(Duration::from_nanos(2_440_677_967)));
    /// # Ok::<(), tollgate::BuildError>(())
    /// ```
    #[must_use]
    pub fn start_empty(self, now: Nanos) -> TokenBucket {
        let burst = self.burst.map_or(self.policy.smallest_limit().1, NonZeroU32::get);
        self.with_used(now, burst)
    }

    /// The plan of a strict bucket. `None` for a nominal one.
    pub fn plan(&self) -> Option<Plan> {
        self.burst.and_then(|burst| Plan::with_burst(self.policy, burst.get()).ok())
    }
}

impl From<Plan> for TokenBucket {
    fn from(plan: Plan) -> TokenBucket {
        let state = State::word(Word::planned(&plan));
        TokenBucket { state, burst: NonZeroU32::new(plan.burst()), policy: *plan.policy() }
    }
}

impl Algorithm for TokenBucket {
    #[inline]
    fn policy(&self) -> &Policy {
        &self.policy
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "small where the state is one word, and the rest is called")]
    fn try_acquire_at(&self, now: Nanos, n: u32) -> Result<(), Denied> {
        if n == 0 {
            return Ok(());
        }
        match &self.state {
            State::Word(word) => word.try_acquire_at(now, n),
            State::Pair(pair) => try_pair(pair, now, n),
            State::Announced(announced) => announced.try_acquire_at(now, n),
        }
    }

    fn peek_at(&self, now: Nanos, n: u32) -> Result<(), Denied> {
        if n == 0 {
            return Ok(());
        }
        match &self.state {
            State::Word(word) => word.peek_at(now, n),
            State::Pair(pair) => pair.peek_at(now, n),
            State::Announced(announced) => announced.peek_at(now, n),
        }
    }

    fn status_at(&self, now: Nanos) -> Status {
        match &self.state {
            State::Word(OneWord { word, judge }) => judge.status_at(word.load(), now),
            State::Pair(OneWord { word, judge }) => judge.status_at(word.load(), now),
            State::Announced(announced) => announced.status_at(now),
        }
    }

    fn try_grant_at(&self, now: Nanos, n: u32) -> Result<Grant<'_>, Denied> {
        if n == 0 {
            return Ok(Grant::FINAL);
        }
        match &self.state {
            State::Word(word) => word.try_grant_at(now, n),
            State::Pair(pair) => pair.try_grant_at(now, n),
            State::Announced(announced) => announced.try_acquire_at(now, n).map(|()| Grant::FINAL),
        }
    }

    fn undo_receipt(&self, receipt: Receipt) -> bool {
        match &self.state {
            State::Word(word) => receipt.undo_in(&word.word),
            State::Pair(pair) => receipt.undo_in(&pair.word),
            State::Announced(_) => false,
        }
    }
}
