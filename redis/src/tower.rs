//! The limiters of this crate, as those of the layers in [`tollgate::tower`].
//!
//! An axum server that used a limiter of its own process shares the limit with others by one changed line:
//!
//! ```no_run
//! use tollgate::Policy;
//! use tollgate::tower::server::RateLimitLayer;
//! use tollgate_redis::{LeasedLimiter, Leases, RedisLimiter, RedisStore, Rule, WhenAway};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let client = redis::Client::open("redis://127.0.0.1/")?;
//! let store = RedisStore::new(client.get_connection_manager().await?);
//!
//! // A limit for each API key. Before: `KeyedLimiter::strict(policy, 1 << 20)?`.
//! let limiter = RedisLimiter::new(store.clone(), Rule::strict("10/1s".parse()?)?);
//! let per_key = RateLimitLayer::keyed(limiter, |parts| {
//!     Some(parts.headers.get("x-api-key")?.to_str().ok()?.to_owned())
//! });
//!
//! // One limit for all callers. Before: `RateLimiter::strict(policy)?`.
//! let leases = Leases::new("5000/1s".parse()?, WhenAway::Refuse)?;
//! let for_all = RateLimitLayer::new(LeasedLimiter::new(store, "all callers", leases)?);
//! # let _ = (per_key, for_all);
//! # Ok(())
//! # }
//! ```
//!
//! A key is its text: anything that is [`Display`], such as a `String` or an address. Callers with different plans have [`Plans`].
//!
//! If the store is away, the layer is told that there is no decision, and does what it was told to do then: it refuses with 503 unless
//! `RateLimitLayer::without_answer` says otherwise. A [`LeasedLimiter`] that allows calls or has a share then decides by itself.

use std::fmt::{self, Display};
use std::pin::Pin;
use std::sync::Arc;

use tollgate::http::Fields;
use tollgate::tower::server::{Answer, Limiter};
use tollgate::{Denied, Status};

use crate::{LeasedLimiter, NodeTime, RedisLimiter, Refused, Rule, Store, StoreError};

/// The answer of a limiter that may have to ask the store.
type Deciding = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// A key is its text. Callers without a key share a bucket whose name is no text.
impl<K: Display, S: Store + Clone + 'static> Limiter<K> for RedisLimiter<S> {
    type Deciding = Deciding;

    fn fields(&self) -> Vec<Fields> {
        vec![fields(self.rule())]
    }

    fn decide(&self, key: Option<&K>, cost: u32) -> Deciding {
        let (limiter, key) = (self.clone(), name(key));
        Box::pin(async move { answer(&limiter.decide(limiter.rule(), key, cost).await) })
    }
}

/// A [`RedisLimiter`] for callers with different plans, such as `free` and `pro`: what `tollgate::tower::server::Plans` is for a
/// table of this process.
///
/// ```no_run
/// use tollgate_redis::tower::Plans;
/// use tollgate_redis::{RedisLimiter, Rule};
/// # fn example<S: tollgate_redis::Store + Clone + 'static>(store: S) -> Result<(), Box<dyn std::error::Error>> {
///
/// let (free, pro) = (Rule::strict("50/1m".parse()?)?, Rule::strict("1000/1m".parse()?)?);
/// let limiter = Plans::new(RedisLimiter::new(store, free), vec![pro], |key: &String| usize::from(key.starts_with("pro-")));
/// # Ok(())
/// # }
/// ```
pub struct Plans<K, S> {
    shared: Arc<SharedPlans<K, S>>,
}

struct SharedPlans<K, S> {
    limiter: RedisLimiter<S>,
    /// By plan. The first is the limiter's own.
    rules: Vec<Rule>,
    choose: Box<dyn Fn(&K) -> usize + Send + Sync>,
}

impl<K, S: Store> Plans<K, S> {
    /// Plan 0 is the rule of `limiter`, plan 1 is the first of `more`, and so on. `choose` tells the plan of a caller. Callers
    /// without a key, and those whose plan there is not, have plan 0.
    pub fn new(
        limiter: RedisLimiter<S>,
        more: Vec<Rule>,
        choose: impl Fn(&K) -> usize + Send + Sync + 'static,
    ) -> Self {
        let rules = [limiter.rule().clone()].into_iter().chain(more).collect();
        Plans { shared: Arc::new(SharedPlans { limiter, rules, choose: Box::new(choose) }) }
    }
}

impl<K: Display + 'static, S: Store + 'static> Limiter<K> for Plans<K, S> {
    type Deciding = Deciding;

    fn fields(&self) -> Vec<Fields> {
        self.shared.rules.iter().map(fields).collect()
    }

    fn decide(&self, key: Option<&K>, cost: u32) -> Deciding {
        let shared = Arc::clone(&self.shared);
        let plan = key.map(&shared.choose).filter(|&plan| plan < shared.rules.len()).unwrap_or(0);
        let key = name(key);
        Box::pin(async move {
            answer(&shared.limiter.decide(&shared.rules[plan], key, cost).await).by_policy(plan)
        })
    }

    fn identity(&self) -> usize {
        Arc::as_ptr(&self.shared).addr()
    }
}

impl<K, S> Clone for Plans<K, S> {
    fn clone(&self) -> Self {
        Plans { shared: Arc::clone(&self.shared) }
    }
}

impl<K, S: fmt::Debug> fmt::Debug for Plans<K, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plans")
            .field("limiter", &self.shared.limiter)
            .field("rules", &self.shared.rules)
            .finish_non_exhaustive()
    }
}

fn fields(rule: &Rule) -> Fields {
    match rule.plan() {
        Some(plan) => Fields::paced(plan),
        None => Fields::new(rule.policy()),
    }
}

/// What a key is called in the store. No text has the name of those who have none.
fn name<K: Display>(key: Option<&K>) -> Vec<u8> {
    key.map_or_else(|| vec![0xff], |key| key.to_string().into_bytes())
}

/// What a layer is told of a decision, or of a store that gave none.
fn answer(decided: &Result<crate::Answer, StoreError>) -> Answer {
    match decided {
        Ok(answer) => Answer::new(answer.result(), answer.status()),
        Err(_) => Answer::NONE,
    }
}

/// What is left, in the words of the refusal beside it.
fn refused(status: &Status, denied: &Denied, cost: u32) -> Status {
    let mut state = status.quotas()[0];
    state.remaining = state.remaining.min(cost.saturating_sub(1));
    state.next_at =
        if state.remaining > 0 { denied.at() } else { denied.retry_at().unwrap_or(state.next_at) };
    state.reset_at = state.reset_at.max(state.next_at);
    Status::joint(denied.at(), state)
}

/// One limit for all callers. The status is what this node knows.
impl<T: NodeTime> Limiter<()> for LeasedLimiter<T> {
    type Deciding = Deciding;

    fn fields(&self) -> Vec<Fields> {
        vec![Fields::paced(self.leases().plan())]
    }

    fn decide(&self, _key: Option<&()>, cost: u32) -> Deciding {
        let limiter = self.clone();
        Box::pin(async move {
            match limiter.decide(cost).await {
                Ok(()) => Answer::new(Ok(()), Some(limiter.status())),
                Err(Refused::Denied(denied)) => {
                    Answer::new(Err(denied), Some(refused(&limiter.status(), &denied, cost)))
                }
                Err(_) => Answer::NONE,
            }
        })
    }

    fn identity(&self) -> usize {
        self.address()
    }
}
