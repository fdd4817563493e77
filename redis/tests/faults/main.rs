//! What can go wrong between a caller and its store, tried with real servers: what the caller is told, what is charged, and
//! what is lost.
//!
//! The windows last for hours, so that no permit comes back while a test runs. Each rule grants 26 permits at once.

#[path = "../servers/mod.rs"]
mod servers;

mod cluster;
mod connection;
mod memory;
mod proxy;
mod replica;
mod restart;
mod rights;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use std::time::Duration;
use tollgate_redis::{Error, RedisLimiter, RedisStore, Rule, Store, StoreError};

/// What both rules grant at once.
const BURST: u32 = 26;

fn rules() -> [Rule; 2] {
    let strict = Rule::strict("50/1h, 1500/60h".parse().unwrap()).unwrap();
    let exact = Rule::exact("26/1h".parse().unwrap()).unwrap();
    assert_eq!([strict.burst(), exact.burst()], [BURST; 2]);
    [strict, exact]
}

/// A connection that waits for its server as long as a slow machine needs. The time-out is the store's.
async fn connection(url: &str) -> ConnectionManager {
    let config = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(Duration::from_secs(5)))
        .set_response_timeout(Some(Duration::from_secs(5)))
        .set_number_of_retries(0);
    let client = redis::Client::open(url).unwrap();
    ConnectionManager::new_with_config(client, config).await.unwrap()
}

/// A limiter whose time-out only a store that is really away exceeds.
async fn limiter(url: &str, rule: &Rule) -> RedisLimiter<RedisStore<ConnectionManager>> {
    patient(connection(url).await, rule)
}

fn patient<C>(connection: C, rule: &Rule) -> RedisLimiter<RedisStore<C>>
where
    RedisStore<C>: Store,
{
    RedisLimiter::new(RedisStore::new(connection).with_timeout(Duration::from_secs(5)), rule.clone())
}

/// Takes one permit after the other until the rule refuses, and tells how many there were.
async fn take_all<S: Store>(limiter: &RedisLimiter<S>, key: impl AsRef<[u8]>) -> u32 {
    let mut taken = 0;
    loop {
        match limiter.try_acquire(&key).await {
            Ok(()) => taken += 1,
            Err(Error::Denied(_)) => return taken,
            Err(error) => panic!("after {taken} permits: {error}"),
        }
    }
}

/// The store's own error.
fn away(result: Result<(), Error>) -> StoreError {
    match result {
        Err(Error::Store(error)) => error,
        other => panic!("a decision without a store: {other:?}"),
    }
}
