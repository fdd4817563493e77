//! How several limiters are asked for one call, for example one per API key and one per address.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use crate::decision::{Denied, Grant};

/// A limiter that can be asked together with others, by [`try_acquire_all`]: every
/// [`RateLimiter`](crate::RateLimiter), whatever its algorithm and its clock, and every `wait::FairLimiter`, by the rule
/// of its queue. A reference, a `Box` or an `Arc` of such a limiter is one, too.
///
/// Implement it for limiters of your own:
///
/// ```
/// use tollgate::{DefaultClock, Denied, Grant, RateLimiter, SlidingLog, TryGrant, try_acquire_all};
///
/// /// Only some customers are limited.
/// struct PerCustomer(Option<RateLimiter<SlidingLog, DefaultClock>>);
///
/// impl TryGrant for PerCustomer {
///     fn peek_n(&self, n: u32) -> Result<(), Denied> {
///         self.0.as_ref().map_or(Ok(()), |limiter| limiter.peek_n(n))
///     }
///
///     fn try_grant_n(&self, n: u32) -> Result<Grant<'_>, Denied> {
///         self.0.as_ref().map_or(Ok(Grant::FINAL), |limiter| limiter.try_grant_n(n))
///     }
/// }
///
/// let customer = PerCustomer(None);
/// let everybody = RateLimiter::strict("1/1m".parse()?)?;
/// assert!(try_acquire_all(&[(&customer, 1), (&everybody, 1)]).is_ok());
/// assert_eq!(try_acquire_all(&[(&customer, 1), (&everybody, 1)]).unwrap_err().limiter(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait TryGrant {
    /// What [`try_grant_n`](TryGrant::try_grant_n) would answer now. Charges nothing.
    ///
    /// # Errors
    ///
    /// As `try_grant_n`.
    fn peek_n(&self, n: u32) -> Result<(), Denied>;

    /// Takes `n` permits now, all or none. The grant can be [undone](Grant::undo), or it is [`Grant::FINAL`].
    ///
    /// # Errors
    ///
    /// [`Denied`] says when to come back, or that there is no such instant.
    fn try_grant_n(&self, n: u32) -> Result<Grant<'_>, Denied>;
}

macro_rules! through_a_pointer {
    ($($pointer:ty),*) => {$(
        impl<L: TryGrant + ?Sized> TryGrant for $pointer {
            fn peek_n(&self, n: u32) -> Result<(), Denied> {
                (**self).peek_n(n)
            }

            fn try_grant_n(&self, n: u32) -> Result<Grant<'_>, Denied> {
                (**self).try_grant_n(n)
            }
        }
    )*};
}

through_a_pointer!(&L, Box<L>, Arc<L>);

/// Takes permits from several limiters, from all or from none. Each limiter is listed with the number of permits that
/// the call costs there.
///
/// ```
/// use core::time::Duration;
/// use tollgate::{Manual, RateLimiter, SlidingLog, TokenBucket, try_acquire_all};
///
/// let clock = Manual::new();
/// let key = RateLimiter::new(TokenBucket::nominal("10/1s".parse()?)?, clock.clone());
/// let address = RateLimiter::new(SlidingLog::new("2/1m".parse()?)?, clock.clone());
///
/// try_acquire_all(&[(&key, 3), (&address, 1)])?;
/// try_acquire_all(&[(&key, 3), (&address, 1)])?;
///
/// // Two calls a minute are allowed to this address. The third is refused, and the key pays nothing for it.
/// let refused = try_acquire_all(&[(&key, 3), (&address, 1)]).unwrap_err();
/// assert_eq!(refused.limiter(), 1);
/// assert_eq!(refused.denied().retry_after(), Some(Duration::from_secs(60)));
/// assert_eq!(refused.forfeited(), 0);
/// assert_eq!(key.status().remaining(), 4);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # What is promised
///
/// 1. First every limiter is only [looked at](TryGrant::peek_n). If one of them refuses, nothing is charged anywhere.
/// 2. Otherwise the permits are taken, in the order of the list. A limiter refuses at this point only if something
///    changed after the look: another caller took its permits, say. Then the grants made before are
///    [undone](Grant::undo), the latest first. A grant that cannot be undone stays charged, and
///    [`DeniedBy::forfeited`] counts its permits.
///    The same happens if a limiter panics. Then nobody is told which permits stay charged.
/// 3. Each limiter alone keeps every promise of its own. In particular it never grants more than its policy allows.
/// 4. This is **not** one atomic decision over all limiters. For a moment, another caller may be refused because of
///    permits that are then given back.
///
/// # In which order to list them
///
/// - Use the same order everywhere. Then of two callers who compete for the last permits, one gets them. If each lists
///   first what the other lists last, both may be refused.
/// - List limiters that cannot take permits back after those that can, because what is granted last is never undone. Only
///   a [`TokenBucket`](crate::TokenBucket) takes permits back: a strict one, or a nominal one with one or two quotas.
/// - List each limiter once. A limiter that is listed twice is looked at twice for a part of its permits.
///
/// # Cost
///
/// One look and one grant per limiter. If one refuses after the look, each grant is undone, and then every other limiter is
/// looked at a second time, to find the longest wait. For up to 8 limiters nothing is allocated. Nothing blocks, except
/// that a limiter with a queue takes the lock of its queue while somebody waits in it.
///
/// # Errors
///
/// [`DeniedBy`] says which limiter refused. If several refused, it is the one with the longest wait. A limiter that can
/// never grant so many permits comes before all others.
pub fn try_acquire_all(limiters: &[(&dyn TryGrant, u32)]) -> Result<(), DeniedBy> {
    if let Some(refused) = longest_wait(limiters, None) {
        return Err(refused);
    }
    let mut few = [const { None }; FEW];
    let mut many = Vec::new();
    let grants = if limiters.len() <= FEW {
        &mut few[..limiters.len()]
    } else {
        many.resize_with(limiters.len(), || None);
        &mut many[..]
    };
    let mut charged = Charged { limiters, grants };
    for (index, &(limiter, n)) in limiters.iter().enumerate() {
        match limiter.try_grant_n(n) {
            Ok(grant) => charged.grants[index] = Some(grant),
            Err(denied) => {
                let refused = DeniedBy { limiter: index, denied, forfeited: charged.undo() };
                return Err(longest_wait(limiters, Some(refused)).unwrap_or(refused));
            }
        }
    }
    charged.keep();
    Ok(())
}

/// The grants of one call, one place for each limiter. They are undone when this is dropped, so that a limiter that panics
/// leaves nothing charged.
struct Charged<'a, 'list> {
    limiters: &'list [(&'list dyn TryGrant, u32)],
    grants: &'a mut [Option<Grant<'list>>],
}

impl Charged<'_, '_> {
    /// The call was granted by all.
    fn keep(mut self) {
        self.grants = &mut [];
    }

    /// Undoes every grant, the latest first. The answer is the number of permits that stay charged.
    fn undo(&mut self) -> u64 {
        let granted = self.grants.iter_mut().zip(self.limiters).rev();
        let kept = granted.filter_map(|(grant, (_, n))| (!grant.take()?.undo()).then_some(u64::from(*n)));
        kept.sum()
    }
}

impl Drop for Charged<'_, '_> {
    fn drop(&mut self) {
        self.undo();
    }
}

/// Up to so many limiters, nothing is allocated.
const FEW: usize = 8;

/// The refusal with the longest wait, of the known one and those that a look at the other limiters finds.
fn longest_wait(limiters: &[(&dyn TryGrant, u32)], known: Option<DeniedBy>) -> Option<DeniedBy> {
    let forfeited = known.map_or(0, |refused| refused.forfeited);
    let mut longest = known;
    for (limiter, &(asked, n)) in limiters.iter().enumerate() {
        if known.is_some_and(|refused| refused.limiter == limiter) {
            continue;
        }
        if let Err(denied) = asked.peek_n(n) {
            let refused = DeniedBy { limiter, denied, forfeited };
            if longest.is_none_or(|longest| refused.wait() > longest.wait()) {
                longest = Some(refused);
            }
        }
    }
    longest
}

/// A refusal of [`try_acquire_all`]: which limiter refused, and its [`Denied`].
///
/// An undisturbed retry is granted by all limiters after [`Denied::retry_after`]. The instants in `denied` are those of
/// the limiter's own clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DeniedBy {
    limiter: usize,
    denied: Denied,
    forfeited: u64,
}

impl DeniedBy {
    /// The index, in the list, of the limiter that refused. If several refused, it is the one with the longest wait; among
    /// equal waits, it is the first in the list.
    pub const fn limiter(&self) -> usize {
        self.limiter
    }

    /// The refusal by that limiter.
    pub const fn denied(&self) -> &Denied {
        &self.denied
    }

    /// The number of permits, of all limiters together, that stay charged although the call was refused. It is 0 unless
    /// another caller came between the look and the grants: see [`try_acquire_all`].
    pub const fn forfeited(&self) -> u64 {
        self.forfeited
    }

    /// Orders refusals: the longer wait is greater, and a refusal without a retry instant is the greatest.
    fn wait(&self) -> impl PartialOrd + use<> {
        let wait = self.denied.retry_after();
        (wait.is_none(), wait)
    }
}

impl fmt::Display for DeniedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "limiter {}, counted from 0: {}", self.limiter, self.denied)?;
        if self.forfeited > 0 {
            write!(f, "; {} permits of other limiters stay charged", self.forfeited)?;
        }
        Ok(())
    }
}

impl core::error::Error for DeniedBy {}
