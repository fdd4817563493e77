//! What users hold: a rule, a store, and the keys.

use std::time::{SystemTime, UNIX_EPOCH};

use tollgate::{Nanos, Status};

use crate::error::{Error, StoreError};
use crate::rule::{Answer, Rule, Time};
use crate::store::{Call, Store};

/// One limit for any number of machines: every decision is one script on one key of the store, in one round trip.
///
/// Each key has permits of its own. A key is `tollgate:` and what the caller gives, any bytes. Limiters share the permits of
/// a key if they have the same prefix; give limiters with rules of different kinds different prefixes.
///
/// ```no_run
/// use tollgate::Policy;
/// use tollgate_redis::{Error, RedisLimiter, RedisStore, Rule};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let client = redis::Client::open("redis://127.0.0.1/")?;
/// let store = RedisStore::new(client.get_connection_manager().await?);
/// let limiter = RedisLimiter::new(store, Rule::strict(Policy::MICROSOFT_365_DEFENDER)?);
///
/// match limiter.try_acquire("user:7").await {
///     Ok(()) => { /* make the call */ }
///     Err(Error::Denied(denied)) => println!("429, retry after {:?}", denied.retry_after()),
///     Err(error) => println!("503, there is no decision: {error}"),
/// }
/// # Ok(())
/// # }
/// ```
///
/// # When the store gives no decision
///
/// The answer is [`Error::Store`], and the caller chooses. To refuse is safe. To go on without a decision is not: for as long
/// as the store is away there is no limit.
#[derive(Clone, Debug)]
pub struct RedisLimiter<S> {
    store: S,
    rule: Rule,
    prefix: Vec<u8>,
    client_time: bool,
}

impl<S: Store> RedisLimiter<S> {
    /// A limiter whose state is in `store`. The server's clock decides.
    pub fn new(store: S, rule: Rule) -> RedisLimiter<S> {
        RedisLimiter { store, rule, prefix: b"tollgate:".to_vec(), client_time: false }
    }

    /// With another prefix than `tollgate:` before every key.
    #[must_use]
    pub fn with_prefix(self, prefix: impl Into<Vec<u8>>) -> RedisLimiter<S> {
        RedisLimiter { prefix: prefix.into(), ..self }
    }

    /// With the clock of this machine instead of the server's, for services that refuse the command `TIME`.
    ///
    /// **This is weaker**, because the clocks of machines differ: see [`Time::Told`].
    #[must_use]
    pub fn with_client_time(self) -> RedisLimiter<S> {
        RedisLimiter { client_time: true, ..self }
    }

    /// The rule of calls that bring none of their own.
    pub fn rule(&self) -> &Rule {
        &self.rule
    }

    /// The store.
    pub fn store(&self) -> &S {
        &self.store
    }

    /// Takes one permit of `key`.
    ///
    /// # Errors
    ///
    /// [`Error::Denied`] if the call is refused, [`Error::Store`] if there is no decision.
    pub async fn try_acquire(&self, key: impl AsRef<[u8]>) -> Result<(), Error> {
        self.try_acquire_n(key, 1).await
    }

    /// Takes `n` permits of `key`, all or none. For `n = 0` the answer is a grant that changes nothing.
    ///
    /// # Errors
    ///
    /// As [`try_acquire`](RedisLimiter::try_acquire).
    pub async fn try_acquire_n(&self, key: impl AsRef<[u8]>, n: u32) -> Result<(), Error> {
        Ok(self.decide(&self.rule, key, n).await?.result()?)
    }

    /// What [`try_acquire_n`](RedisLimiter::try_acquire_n) would answer. Changes nothing.
    ///
    /// # Errors
    ///
    /// As [`try_acquire`](RedisLimiter::try_acquire).
    pub async fn peek_n(&self, key: impl AsRef<[u8]>, n: u32) -> Result<(), Error> {
        let call = self.rule.peek(self.key(key), n, self.time());
        Ok(self.ask(&self.rule, &call, n).await?.result()?)
    }

    /// What is left of `key`. Changes nothing. An exact rule counts its log, by one command for each halving of it.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store does not tell.
    pub async fn status(&self, key: impl AsRef<[u8]>) -> Result<Status, StoreError> {
        let call = self.rule.peek(self.key(key), 0, self.time());
        self.ask(&self.rule, &call, 0).await?.status().ok_or_else(StoreError::unexpected_reply)
    }

    /// Takes `n` permits of `key` by a rule of the call's own, and tells all that the store knows of the decision.
    ///
    /// Callers with different plans can share one limiter, and a caller may change its plan at any time: what was granted
    /// before stays charged at its old price. An exact rule judges what was granted before by its own quotas. If its
    /// largest limit is above that of an earlier rule, permits that were forgotten count as if they had been granted when the
    /// oldest remembered one was.
    ///
    /// A key is forgotten when it is of no use to the rules that took permits of it. A rule with a longer window therefore
    /// knows only what was granted since then. The log is kept for its window from its first grant on.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if there is no decision. A refusal is an [`Answer`].
    pub async fn decide(&self, rule: &Rule, key: impl AsRef<[u8]>, n: u32) -> Result<Answer, StoreError> {
        self.ask(rule, &rule.take(self.key(key), n, self.time()), n).await
    }

    async fn ask(&self, rule: &Rule, call: &Call, n: u32) -> Result<Answer, StoreError> {
        rule.answer(n, &self.store.run(call).await?)
    }

    fn key(&self, key: impl AsRef<[u8]>) -> Vec<u8> {
        [&self.prefix, key.as_ref()].concat()
    }

    fn time(&self) -> Time {
        if !self.client_time {
            return Time::Server;
        }
        // A clock before 1970 stands still at its beginning.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Time::Told(Nanos::ZERO.saturating_add(since))
    }
}
