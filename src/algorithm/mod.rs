//! The trait every limiter implements, and the lock-free limiters.

pub(crate) mod backoff;
mod choice;
mod error;
mod one_word;
mod plan;
mod reciprocal;
mod redis_cell;
mod shared;
mod sliding_log;
mod ticks;
mod token_bucket;
mod window_counter;

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;

pub use choice::{Choice, Need};
pub use error::BuildError;
pub use plan::Plan;
pub use redis_cell::ClThrottle;
pub use shared::{Bound, Rule, State};
pub use sliding_log::SlidingLog;
pub use token_bucket::TokenBucket;
pub use window_counter::{CounterPlan, WindowCounter};

use crate::decision::{Denied, Grant, Receipt, Status};
use crate::nanos::Nanos;
use crate::quota::Policy;

/// A rate limiter that takes the time as an argument.
///
/// # What an implementation promises
///
/// 1. **All or nothing.** A call is one decision over all quotas and all `n` permits. It takes effect at one instant
///    between the call and its return. A refused call changes nothing.
/// 2. **Any `now`.** Callers race, so `now` may repeat, may be older than one that was seen before, or may lie far in the
///    future. With an older `now`, a limiter grants no more than with the newest one. Nothing wraps, and nothing panics.
///    The clock's origin must be recent (see [`Nanos`]).
/// 3. **Any `n`.** A call for 0 permits is granted and changes nothing. A call for more than can ever be granted at once
///    is refused without a retry instant, and it changes nothing.
/// 4. **Exact refusals.** [`Denied::retry_at`] is the first instant at which the same call is granted, if nothing else is
///    granted before.
/// 5. **No waiting.** No method panics, blocks, or calls a [`RateLimiter`](crate::RateLimiter), because a wait queue calls
///    the algorithm while it holds its lock.
///
/// The trait is object-safe: `Box<dyn Algorithm>` and `Arc<dyn Algorithm>` are algorithms too.
///
/// # Writing your own
///
/// ```
/// use std::sync::atomic::{AtomicU32, Ordering};
/// use tollgate::{Algorithm, Denied, Nanos, Policy, QuotaStatus, Status};
///
/// /// Grants the first quota's limit once, and never again.
/// #[derive(Debug)]
/// struct Once {
///     policy: Policy,
///     left: AtomicU32,
/// }
///
/// impl Algorithm for Once {
///     fn policy(&self) -> &Policy {
///         &self.policy
///     }
///
///     fn try_acquire_at(&self, now: Nanos, n: u32) -> Result<(), Denied> {
///         let limit = self.policy.quotas()[0].limit();
///         self.left
///             .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(n))
///             .map(drop)
///             .map_err(|_| Denied::new(now, 0, None, limit))
///     }
///
///     fn peek_at(&self, now: Nanos, n: u32) -> Result<(), Denied> {
///         let limit = self.policy.quotas()[0].limit();
///         let granted = n <= self.left.load(Ordering::Relaxed);
///         if granted { Ok(()) } else { Err(Denied::new(now, 0, None, limit)) }
///     }
///
///     fn status_at(&self, now: Nanos) -> Status {
///         let remaining = self.left.load(Ordering::Relaxed);
///         let next_at = if remaining > 0 { now } else { Nanos::MAX };
///         Status::new(now, [QuotaStatus { remaining, next_at, reset_at: Nanos::MAX }])
///     }
/// }
///
/// let policy: Policy = "3/1s".parse()?;
/// let once: Box<dyn Algorithm> = Box::new(Once { policy, left: AtomicU32::new(3) });
/// assert!(once.try_acquire_at(Nanos::ZERO, 2).is_ok());
/// assert_eq!(once.try_acquire_at(Nanos::ZERO, 2).unwrap_err().retry_at(), None);
/// assert_eq!(once.status_at(Nanos::ZERO).remaining(), 1);
/// # Ok::<(), tollgate::ParsePolicyError>(())
/// ```
pub trait Algorithm: fmt::Debug + Send + Sync {
    /// The policy that is enforced.
    fn policy(&self) -> &Policy;

    /// Takes `n` permits at `now`, all or none.
    ///
    /// # Errors
    ///
    /// [`Denied`] says why, and from which instant a retry is granted.
    fn try_acquire_at(&self, now: Nanos, n: u32) -> Result<(), Denied>;

    /// What [`try_acquire_at`](Algorithm::try_acquire_at) would answer, from one snapshot. Changes nothing.
    ///
    /// # Errors
    ///
    /// As `try_acquire_at`.
    fn peek_at(&self, now: Nanos, n: u32) -> Result<(), Denied>;

    /// What is left of each quota at `now`, from one snapshot. Changes nothing.
    fn status_at(&self, now: Nanos) -> Status;

    /// Like [`try_acquire_at`](Algorithm::try_acquire_at), for a call that may turn out not to be sent. The [`Grant`]
    /// can be [undone](Grant::undo) as long as the limiter has granted nothing else since.
    ///
    /// The provided method returns a grant that cannot be undone.
    ///
    /// # Errors
    ///
    /// As `try_acquire_at`.
    fn try_grant_at(&self, now: Nanos, n: u32) -> Result<Grant<'_>, Denied> {
        self.try_acquire_at(now, n).map(|()| Grant::FINAL)
    }

    /// Undoes a grant of this very limiter, from its receipt. Only this crate can implement or call this method, because
    /// no other crate can name or make a receipt. The provided method takes nothing back.
    #[doc(hidden)]
    fn undo_receipt(&self, receipt: Receipt) -> bool {
        let _ = receipt;
        false
    }
}

macro_rules! through_a_pointer {
    ($($pointer:ty),*) => {$(
        impl<A: Algorithm + ?Sized> Algorithm for $pointer {
            #[inline]
            fn policy(&self) -> &Policy {
                (**self).policy()
            }

            #[inline]
            fn try_acquire_at(&self, now: Nanos, n: u32) -> Result<(), Denied> {
                (**self).try_acquire_at(now, n)
            }

            #[inline]
            fn peek_at(&self, now: Nanos, n: u32) -> Result<(), Denied> {
                (**self).peek_at(now, n)
            }

            #[inline]
            fn status_at(&self, now: Nanos) -> Status {
                (**self).status_at(now)
            }

            #[inline]
            fn try_grant_at(&self, now: Nanos, n: u32) -> Result<Grant<'_>, Denied> {
                (**self).try_grant_at(now, n)
            }

            #[inline]
            fn undo_receipt(&self, receipt: Receipt) -> bool {
                (**self).undo_receipt(receipt)
            }
        }
    )*};
}

through_a_pointer!(&A, Box<A>, Arc<A>);
