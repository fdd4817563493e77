//! What does a layer ask?

use alloc::vec;
use alloc::vec::Vec;
use core::future::{Future, Ready, ready};
use core::hash::{BuildHasher, Hash, Hasher};

use crate::algorithm::{Algorithm, State};
use crate::clock::Clock;
use crate::decision::{Denied, Status};
use crate::http::Fields;
use crate::keyed::{KeyedLimiter, KeyedRule};
use crate::limiter::RateLimiter;
use crate::together::TryGrant;
use crate::wait::{AnyTimer, FairLimiter};

/// A limiter that a [`RateLimitLayer`](super::RateLimitLayer) can ask: for the callers with keys of type `K`, or for all
/// callers together, where `K` is `()`.
///
/// | implemented for | keys | answers |
/// |---|---|---|
/// | [`RateLimiter`], [`FairLimiter`] | none: one limit for all callers | at once |
/// | [`KeyedLimiter`] | everything that can be hashed | at once |
/// | [`Plans`](super::Plans): a [`KeyedLimiter`] with several policies | everything that can be hashed | at once |
/// | [`KeyedRule`]: one rule for a bounded number of exact keys | `Hash + Eq + Clone` | at once |
/// | [`PerKey`](super::PerKey): a limiter of any algorithm for each of a few callers | `Hash + Eq + Clone` | at once |
///
/// Implement it for a limiter of your own, such as one that asks another machine, or one that asks several limiters:
///
/// ```
/// use std::future::{Ready, ready};
/// use tollgate::http::Fields;
/// use tollgate::tower::server::{Answer, Limiter};
/// use tollgate::{RateLimiter, SlidingLog, TokenBucket, try_acquire_all};
///
/// /// Every call is charged to both limiters, or to none.
/// #[derive(Clone)]
/// struct Both {
///     all: RateLimiter<TokenBucket>,
///     writes: RateLimiter<SlidingLog>,
/// }
///
/// impl Limiter<()> for Both {
///     type Deciding = Ready<Answer>;
///
///     fn fields(&self) -> Vec<Fields> {
///         vec![Fields::of(self.writes.algorithm())] // callers are shown what is left of these
///     }
///
///     fn decide(&self, _key: Option<&()>, cost: u32) -> Ready<Answer> {
///         let result = try_acquire_all(&[(&self.all, cost), (&self.writes, 1)]);
///         ready(Answer::new(result.map_err(|refused| *refused.denied()), Some(self.writes.status())))
///     }
/// }
///
/// let all = RateLimiter::strict("300/1m".parse()?)?;
/// let writes = RateLimiter::exact("1/1m".parse()?)?;
/// let both = Both { all, writes };
/// # futures_lite::future::block_on(async {
/// assert_eq!(both.decide(None, 1).await.result(), Some(Ok(())));
/// assert!(both.decide(None, 1).await.result().is_some_and(|result| result.is_err()));
/// # });
/// # Ok::<(), tollgate::Error>(())
/// ```
pub trait Limiter<K>: Send + Sync {
    /// The answer, when it is there: at once, where the limiter is in this process.
    type Deciding: Future<Output = Answer>;

    /// The fields of each policy that calls are decided by, at least one. An [`Answer`] names one of them by its index. A layer
    /// asks once, when it is built.
    fn fields(&self) -> Vec<Fields>;

    /// Takes `cost` permits of `key` now, all or none. Callers without a key share one bucket: for them the key is `None`.
    ///
    /// The answer does not borrow the key. If it is dropped before it is there, the permits may be charged or not.
    fn decide(&self, key: Option<&K>, cost: u32) -> Self::Deciding;

    /// As [`decide`](Limiter::decide), if the answer can be had without waiting. `None`, which charges nothing, asks the layer
    /// to call `decide`. The provided method always returns that.
    ///
    /// A limiter in this process implements it, and saves the layer to keep a future.
    fn decide_now(&self, key: Option<&K>, cost: u32) -> Option<Answer> {
        let _ = (key, cost);
        None
    }

    /// As [`decide_now`](Limiter::decide_now), for a layer that tells nobody what is left after a grant. The answer to a grant
    /// needs no status, and that to a refusal has one. The provided method is `decide_now`.
    ///
    /// A limiter that takes time to find out what is left implements it.
    fn decide_without_status(&self, key: Option<&K>, cost: u32) -> Option<Answer> {
        self.decide_now(key, cost)
    }

    /// The address of the state that all clones share. A layer notices by it that a request has met the same limiter
    /// before. The provided method returns 0, which says that the address is not known.
    fn identity(&self) -> usize {
        0
    }
}

/// What a [`Limiter`] answers to a layer: the decision, and what is left after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    result: Option<Result<(), Denied>>,
    status: Option<Status>,
    policy: usize,
}

impl Answer {
    /// No decision: a store is away, or a map has no room for one more key. What follows from that is the
    /// [layer's](super::RateLimitLayer::without_answer) business.
    pub const NONE: Answer = Answer { result: None, status: None, policy: 0 };

    /// A decision, and what is left after it, of the same instant. Without a status, no fields tell what is left.
    pub const fn new(result: Result<(), Denied>, status: Option<Status>) -> Answer {
        Answer { result: Some(result), status, policy: 0 }
    }

    /// The same decision by the policy with this index in [`Limiter::fields`]. It is 0 unless this is called.
    #[must_use = "this returns the changed answer and leaves the original as it was"]
    pub const fn by_policy(self, index: usize) -> Answer {
        Answer { policy: index, ..self }
    }

    /// The decision, or `None` if there is none.
    pub const fn result(&self) -> Option<Result<(), Denied>> {
        self.result
    }

    /// What is left after the decision, or `None` if the limiter does not tell.
    pub const fn status(&self) -> Option<&Status> {
        self.status.as_ref()
    }

    /// The index, in [`Limiter::fields`], of the policy that decided.
    pub const fn policy(&self) -> usize {
        self.policy
    }
}

impl<A: Algorithm + ?Sized, C: Clock> Limiter<()> for RateLimiter<A, C> {
    type Deciding = Ready<Answer>;

    fn fields(&self) -> Vec<Fields> {
        vec![Fields::of(self.algorithm())]
    }

    fn decide(&self, key: Option<&()>, cost: u32) -> Ready<Answer> {
        ready(self.decide_now(key, cost).unwrap_or(Answer::NONE))
    }

    fn decide_now(&self, _key: Option<&()>, cost: u32) -> Option<Answer> {
        let (result, status) = self.decide_n(cost, true);
        Some(Answer::new(result, status))
    }

    fn decide_without_status(&self, _key: Option<&()>, cost: u32) -> Option<Answer> {
        let (result, status) = self.decide_n(cost, false);
        Some(Answer::new(result, status))
    }

    fn identity(&self) -> usize {
        core::ptr::from_ref(self.algorithm()).addr()
    }
}

/// A server does not let its callers wait: the call does not overtake those who wait elsewhere for the same limiter, and
/// is refused while they do.
impl<A: Algorithm + ?Sized, C: Clock, T: AnyTimer> Limiter<()> for FairLimiter<A, C, T> {
    type Deciding = Ready<Answer>;

    fn fields(&self) -> Vec<Fields> {
        self.limiter().fields()
    }

    fn decide(&self, key: Option<&()>, cost: u32) -> Ready<Answer> {
        ready(self.decide_now(key, cost).unwrap_or(Answer::NONE))
    }

    fn decide_now(&self, key: Option<&()>, cost: u32) -> Option<Answer> {
        let answer = self.decide_without_status(key, cost)?;
        let is_granted = answer.status.is_none();
        Some(if is_granted { Answer { status: Some(self.status()), ..answer } } else { answer })
    }

    fn decide_without_status(&self, _key: Option<&()>, cost: u32) -> Option<Answer> {
        Some(match TryGrant::try_grant_n(self, cost) {
            Ok(_) => Answer::new(Ok(()), None),
            Err(denied) => Answer::new(Err(denied), Some(self.limiter().status_at(denied.at()))),
        })
    }

    fn identity(&self) -> usize {
        self.limiter().identity()
    }
}

impl<K: Hash, S: BuildHasher + Send + Sync, C: Clock> Limiter<K> for KeyedLimiter<S, C> {
    type Deciding = Ready<Answer>;

    fn fields(&self) -> Vec<Fields> {
        vec![Fields::of_table(self.table())]
    }

    fn decide(&self, key: Option<&K>, cost: u32) -> Ready<Answer> {
        ready(self.decide_now(key, cost).unwrap_or(Answer::NONE))
    }

    fn decide_now(&self, key: Option<&K>, cost: u32) -> Option<Answer> {
        let (table, hash, now) = (self.table(), hash(self, key), self.clock().now());
        let (result, tat) = table.decide_at(now, hash, cost);
        Some(Answer::new(result, Some(table.status_by(now, tat, None))))
    }

    fn decide_without_status(&self, key: Option<&K>, cost: u32) -> Option<Answer> {
        let (table, hash, now) = (self.table(), hash(self, key), self.clock().now());
        Some(match table.decide_at(now, hash, cost) {
            (Ok(()), _) => Answer::new(Ok(()), None),
            (result, tat) => Answer::new(result, Some(table.status_by(now, tat, None))),
        })
    }

    fn identity(&self) -> usize {
        core::ptr::from_ref(self.table()).addr()
    }
}

/// The status is read after the decision, so that it may tell of later calls by the same key.
impl<K, S, C> Limiter<K> for KeyedRule<K, S, C>
where
    K: Hash + Eq + Clone + Send + Sync,
    S: BuildHasher + Send + Sync,
    C: Clock,
{
    type Deciding = Ready<Answer>;

    fn fields(&self) -> Vec<Fields> {
        vec![Fields::of(&self.rule().bind(&State::default()))]
    }

    fn decide(&self, key: Option<&K>, cost: u32) -> Ready<Answer> {
        ready(self.decide_now(key, cost).unwrap_or(Answer::NONE))
    }

    fn decide_now(&self, key: Option<&K>, cost: u32) -> Option<Answer> {
        Some(match self.decide_n(key, cost) {
            Some((result, status)) => Answer::new(result, Some(status)),
            None => Answer::NONE,
        })
    }

    fn identity(&self) -> usize {
        self.address()
    }
}

/// The hash of a key, which is that of [`KeyedLimiter::hash`], or of the bucket of all callers without one.
pub(super) fn hash<K: Hash, S: BuildHasher, C: Clock>(limiter: &KeyedLimiter<S, C>, key: Option<&K>) -> u64 {
    match key {
        Some(key) => limiter.hash(key),
        None => limiter.hash(&Nobody),
    }
}

/// The key of all callers without one. Its hash is not that of a text, of bytes or of a number.
struct Nobody;

impl Hash for Nobody {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(b"tollgate: a caller without a key");
    }
}
