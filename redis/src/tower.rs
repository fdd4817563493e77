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
//! If the store is away, the layer is told that there is no decision, and does what it was told to do then: it refuses with 503 unless
//! `RateLimitLayer::without_answer` says otherwise. A [`LeasedLimiter`] that allows calls or has a share then decides by itself.

use std::fmt::Display;
use std::pin::Pin;

use tollgate::http::Fields;
use tollgate::tower::server::{Answer, Limiter};
use tollgate::{Denied, Status};

use crate::{LeasedLimiter, NodeTime, RedisLimiter, Refused, Store};

/// The answer of a limiter that may have to ask the store.
type Deciding = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// A key is its text. Callers without a key share a bucket whose name is no text.
impl<K: Display, S: Store + Clone + 'static> Limiter<K> for RedisLimiter<S> {
    type Deciding = Deciding;

    fn fields(&self) -> Vec<Fields> {
        vec![match self.rule().plan() {
            Some(plan) => Fields::paced(plan),
            None => Fields::new(self.rule().policy()),
        }]
    }

    fn decide(&self, key: Option<&K>, cost: u32) -> Deciding {
        let key = key.map_or_else(|| vec![0xff], |key| key.to_string().into_bytes());
        let limiter = self.clone();
        Box::pin(async move {
            match limiter.decide(limiter.rule(), key, cost).await {
                Ok(answer) => Answer::new(answer.result(), answer.status()),
                Err(_) => Answer::NONE,
            }
        })
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
