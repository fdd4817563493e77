//! A strict sliding-window counter: the whole limit at once, and never more than it in any window, in one word.

mod plan;
pub(super) mod word;

pub use plan::CounterPlan;

use super::one_word::{OneWord, Word};
use super::{Algorithm, BuildError};
use crate::decision::{Denied, Grant, Receipt, Status};
use crate::nanos::Nanos;
use crate::quota::Policy;
use word::Counting;

/// A strict sliding-window counter. "50 a minute" means 50 at once if the minute before was empty, and never more than 50
/// in any minute.
///
/// The window of the smallest limit is divided into sub-windows, and each remembers how many permits it granted. A call is
/// granted if the present sub-window and those of a whole window before it stay within the limit together. The other
/// quotas are kept by a token bucket beside the counts. All of it is one word of 64 bits.
///
/// | for 50/min and 1500/h | at once | sustained rate | longest wait after a burst | state |
/// |---|--:|--:|--:|--:|
/// | [`SlidingLog`](crate::SlidingLog) | 50 | 100 % | 60 s | 16 KiB |
/// | `WindowCounter` | 50 | 96.7 % | 80 s | 8 bytes |
/// | [`TokenBucket::strict`](crate::TokenBucket::strict) | 26 | 98.3 % | 2.44 s | 8 bytes |
///
/// A permit counts until its sub-window is one window old. So it counts for up to one sub-window longer than the rule
/// demands: here, the next permit after a burst comes after 60 to 80 seconds. [`CounterPlan`] shows how a policy is kept.
/// [`BuildError::NoCounterFits`] says when it cannot be kept.
///
/// Many limiters of one rule need not repeat it: see [`Rule`](crate::Rule).
///
/// A grant costs one compare-and-swap. A denial only reads the word. Nothing is allocated.
///
/// ```
/// use tollgate::{Algorithm, Nanos, Policy, WindowCounter};
///
/// let counter = WindowCounter::new(Policy::MICROSOFT_365_DEFENDER)?;
/// let now = Nanos::from_secs(30);
/// for _ in 0..50 {
///     counter.try_acquire_at(now, 1)?;
/// }
/// // The burst counts in the sub-window from 20 s to 40 s. It leaves at 100 s, when that is a minute old.
/// let denied = counter.try_acquire_at(now, 1).unwrap_err();
/// assert_eq!((denied.quota(), denied.retry_after_secs()), (0, Some(71)));
/// assert!(counter.try_acquire_at(denied.retry_at().unwrap(), 1).is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # A clock that runs back
///
/// If the `now` of a call is older than the newest sub-window in which anything was granted, the call takes place in that
/// sub-window. So permits are counted by the newest `now` of any grant, as in all algorithms of this crate.
#[derive(Debug)]
#[repr(C)] // The state first: a decision reads no more.
pub struct WindowCounter {
    state: OneWord<Counting>,
    plan: CounterPlan,
}

impl WindowCounter {
    /// The counter of [`CounterPlan::new`].
    ///
    /// # Errors
    ///
    /// [`BuildError::NoCounterFits`] if no word holds such a counter for a year.
    pub fn new(policy: Policy) -> Result<WindowCounter, BuildError> {
        CounterPlan::new(policy).map(WindowCounter::from)
    }

    /// How the policy is kept.
    #[inline]
    pub fn plan(&self) -> &CounterPlan {
        &self.plan
    }

    /// Counts `n` permits that were used before, as if all of them had been granted at `now`. This is for a client that
    /// restarts while the server still remembers its calls.
    ///
    /// They are added to the permits that this counter has granted itself. An `n` above the largest limit counts as the
    /// largest limit.
    ///
    /// ```
    /// use tollgate::{Algorithm, Nanos, Policy, WindowCounter};
    ///
    /// let counter = WindowCounter::new(Policy::MICROSOFT_365_DEFENDER)?.with_used(Nanos::ZERO, 20);
    /// assert_eq!(counter.status_at(Nanos::ZERO).remaining(), 30);
    /// assert!(counter.try_acquire_at(Nanos::ZERO, 31).is_err());
    /// # Ok::<(), tollgate::BuildError>(())
    /// ```
    #[must_use]
    pub fn with_used(mut self, now: Nanos, n: u32) -> WindowCounter {
        let n = n.min(self.plan.policy().largest_limit());
        let OneWord { word, judge } = &mut self.state;
        *word = Word::new(judge.with_used(word.load(), now, n, self.plan.longer_by()));
        self
    }

    /// Like [`with_used`](WindowCounter::with_used) with as many permits as can be granted at once, so that a client that was
    /// restarted does not spend a second burst. This accounts for everything that was granted before.
    ///
    /// ```
    /// use tollgate::{Algorithm, Nanos, Policy, WindowCounter};
    ///
    /// let counter = WindowCounter::new(Policy::MICROSOFT_365_DEFENDER)?.start_empty(Nanos::ZERO);
    /// let denied = counter.try_acquire_at(Nanos::ZERO, 1).unwrap_err();
    /// assert_eq!(denied.retry_after_secs(), Some(81));
    /// # Ok::<(), tollgate::BuildError>(())
    /// ```
    #[must_use]
    pub fn start_empty(self, now: Nanos) -> WindowCounter {
        let burst = self.plan.burst();
        self.with_used(now, burst)
    }
}

impl From<CounterPlan> for WindowCounter {
    fn from(plan: CounterPlan) -> WindowCounter {
        WindowCounter { state: OneWord { word: Word::new(0), judge: Counting::new(&plan) }, plan }
    }
}

impl Algorithm for WindowCounter {
    #[inline]
    fn policy(&self) -> &Policy {
        self.plan.policy()
    }

    #[inline]
    fn try_acquire_at(&self, now: Nanos, n: u32) -> Result<(), Denied> {
        if n == 0 {
            return Ok(());
        }
        self.state.try_acquire_at(now, n)
    }

    fn peek_at(&self, now: Nanos, n: u32) -> Result<(), Denied> {
        if n == 0 {
            return Ok(());
        }
        self.state.peek_at(now, n)
    }

    fn status_at(&self, now: Nanos) -> Status {
        self.state.judge.status_at(self.state.word.load(), now)
    }

    fn try_grant_at(&self, now: Nanos, n: u32) -> Result<Grant<'_>, Denied> {
        if n == 0 {
            return Ok(Grant::FINAL);
        }
        self.state.try_grant_at(now, n)
    }

    fn undo_receipt(&self, receipt: Receipt) -> bool {
        receipt.undo_in(&self.state.word)
    }
}
