//! How do callers get plans of their own?

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use core::future::{Ready, ready};
use core::hash::{BuildHasher, Hash};
use std::hash::RandomState;

use super::limiter::{Answer, Limiter, hash};
use crate::algorithm::{BuildError, Plan};
use crate::clock::{Clock, DefaultClock};
use crate::http::Fields;
use crate::keyed::{KeyPlan, KeyedError, KeyedLimiter};
use crate::quota::Policy;

/// A [`KeyedLimiter`] whose callers have plans, such as `free` and `pro`. All of them live in one table.
///
/// The plan follows from the key. If it is known only where the key is found, make it a part of the key.
///
/// ```
/// use std::net::IpAddr;
/// use tollgate::Policy;
/// use tollgate::keyed::KeyedLimiter;
/// use tollgate::tower::server::{Limiter, Plans};
///
/// #[derive(Hash)]
/// enum Caller {
///     Account(u64),
///     Address(IpAddr),
/// }
///
/// let (free, pro): (Policy, Policy) = ("1/1m".parse()?, "300/1m".parse()?);
/// let table = KeyedLimiter::strict(pro, 100_000)?; // built for the fastest plan
/// let plans = Plans::new(table, &[free, pro], |caller| match caller {
///     Caller::Address(_) => 0,
///     Caller::Account(_) => 1,
/// })?;
///
/// # futures_lite::future::block_on(async {
/// let address = Caller::Address([192, 0, 2, 1].into());
/// assert_eq!(plans.decide(Some(&address), 1).await.result(), Some(Ok(())));
/// assert!(plans.decide(Some(&address), 1).await.result().is_some_and(|result| result.is_err()));
/// assert_eq!(plans.decide(Some(&Caller::Account(7)), 3).await.result(), Some(Ok(())));
/// # });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Plans<K, S = RandomState, C = DefaultClock> {
    limiter: KeyedLimiter<S, C>,
    shared: Arc<Shared<K>>,
}

struct Shared<K> {
    /// Both in the order of the policies. Empty if all callers have the plan of the table.
    plans: Vec<(KeyPlan, Plan)>,
    choose: Choose<K>,
}

/// Tells the index of a caller's policy.
pub(super) type Choose<K> = Box<dyn Fn(&K) -> usize + Send + Sync>;

/// The index that was chosen, if there is such a policy, or the first.
pub(super) fn chosen<K>(choose: &Choose<K>, key: Option<&K>, policies: usize) -> usize {
    key.map(choose).filter(|&index| index < policies).unwrap_or(0)
}

impl<K, S: BuildHasher, C: Clock> Plans<K, S, C> {
    /// The default [`Plan`] of each of these policies, made ready for the table of `limiter`, which must be built for the
    /// fastest of them. Windows are longer by the error of the clock, as [`KeyedLimiter::fit`] makes them.
    ///
    /// `choose` tells the index of a caller's policy. The first policy is that of callers without a key, and of an index
    /// past the last, so let it be the strictest. Without any policy, all callers have that of `limiter`.
    ///
    /// # Errors
    ///
    /// As [`KeyedLimiter::fit`].
    pub fn new(
        limiter: KeyedLimiter<S, C>,
        policies: &[Policy],
        choose: impl Fn(&K) -> usize + Send + Sync + 'static,
    ) -> Result<Self, KeyedError> {
        let plan = |policy: &Policy| -> Result<_, KeyedError> {
            let plan = Plan::new(limiter.clock().widen(*policy).map_err(BuildError::from)?)?;
            Ok((limiter.table().fit(&plan)?, plan))
        };
        let plans = policies.iter().map(plan).collect::<Result<_, _>>()?;
        Ok(Plans { shared: Arc::new(Shared { plans, choose: Box::new(choose) }), limiter })
    }

    /// The limiter that holds all callers.
    pub fn limiter(&self) -> &KeyedLimiter<S, C> {
        &self.limiter
    }
}

impl<K: Hash, S: BuildHasher, C: Clock> Plans<K, S, C> {
    /// A grant has a status only if `always`.
    #[inline]
    fn answer(&self, key: Option<&K>, cost: u32, always: bool) -> Answer {
        let Shared { plans, choose } = &*self.shared;
        let index = chosen(choose, key, plans.len());
        let (table, hash, now) = (self.limiter.table(), hash(&self.limiter, key), self.limiter.clock().now());
        let plan = plans.get(index).map(|(plan, _)| plan);
        let (result, tat) = match plan {
            Some(plan) => table.decide_with(now, hash, cost, plan),
            None => table.decide_at(now, hash, cost),
        };
        let told = always || result.is_err();
        Answer::new(result, told.then(|| table.status_by(now, tat, plan))).by_policy(index)
    }
}

impl<K: Hash, S: BuildHasher + Send + Sync, C: Clock> Limiter<K> for Plans<K, S, C> {
    type Deciding = Ready<Answer>;

    fn fields(&self) -> Vec<Fields> {
        if self.shared.plans.is_empty() {
            return vec![Fields::of_table(self.limiter.table())];
        }
        self.shared.plans.iter().map(|(_, plan)| Fields::paced(plan)).collect()
    }

    fn decide(&self, key: Option<&K>, cost: u32) -> Ready<Answer> {
        ready(self.decide_now(key, cost).unwrap_or(Answer::NONE))
    }

    fn decide_now(&self, key: Option<&K>, cost: u32) -> Option<Answer> {
        Some(self.answer(key, cost, true))
    }

    fn decide_without_status(&self, key: Option<&K>, cost: u32) -> Option<Answer> {
        Some(self.answer(key, cost, false))
    }

    fn identity(&self) -> usize {
        core::ptr::from_ref(self.limiter.table()).addr()
    }
}

impl<K, S, C> Clone for Plans<K, S, C> {
    fn clone(&self) -> Self {
        Plans { limiter: self.limiter.clone(), shared: Arc::clone(&self.shared) }
    }
}

impl<K, S, C: fmt::Debug> fmt::Debug for Plans<K, S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let policies: Vec<&Policy> = self.shared.plans.iter().map(|(_, plan)| plan.policy()).collect();
        f.debug_struct("Plans")
            .field("limiter", &self.limiter)
            .field("policies", &policies)
            .finish_non_exhaustive()
    }
}
