//! The connection: answers that are lost or late, a server that is stopped, one that is killed.

use std::time::{Duration, Instant};

use crate::proxy::Proxy;
use crate::servers::{Server, kinds};
use crate::{BURST, away, connection, limiter, rules, take_all};
use tollgate_redis::{RedisLimiter, RedisStore, StoreErrorKind};

#[tokio::test]
async fn a_lost_answer_is_an_error_and_its_permit_stays_charged_once() {
    for kind in kinds() {
        let server = Server::start(kind);
        for (key, rule) in ["strict", "exact"].into_iter().zip(rules()) {
            let proxy = Proxy::to(server.port()).await;
            let behind = limiter(&proxy.url(), &rule).await;
            assert!(behind.try_acquire(key).await.is_ok());
            proxy.cut();
            let error = away(behind.try_acquire(key).await);
            assert_eq!(error.kind(), StoreErrorKind::Disconnected);
            assert!(error.is_away());
            // One before, one lost; nobody has sent it twice.
            assert_eq!(take_all(&limiter(&server.url(), &rule).await, key).await, BURST - 2);
        }
    }
}

#[tokio::test]
async fn the_same_limiter_decides_again_when_the_connection_is_back() {
    for kind in kinds() {
        let server = Server::start(kind);
        let [rule, _] = rules();
        let proxy = Proxy::to(server.port()).await;
        let behind = limiter(&proxy.url(), &rule).await;
        assert!(behind.try_acquire("key").await.is_ok());
        proxy.cut();
        away(behind.try_acquire("key").await);
        proxy.mend();
        // A call may still meet the broken connection. Such a call was not sent.
        let until = Instant::now() + Duration::from_secs(10);
        while let Err(error) = behind.status("key").await {
            assert!(error.is_away() && Instant::now() < until, "{error}");
        }
        assert_eq!(take_all(&behind, "key").await, BURST - 2);
    }
}

#[tokio::test]
async fn a_slow_answer_is_a_time_out_and_the_next_call_does_not_get_it() {
    let timeout = Duration::from_millis(50);
    for kind in kinds() {
        let server = Server::start(kind);
        for (key, rule) in ["strict", "exact"].into_iter().zip(rules()) {
            let proxy = Proxy::to(server.port()).await;
            let store = RedisStore::new(connection(&proxy.url()).await).with_timeout(timeout);
            let hasty = RedisLimiter::new(store, rule.clone());
            // From here on the server knows the script: a call is one round trip.
            assert!(limiter(&server.url(), &rule).await.status(key).await.is_ok());
            proxy.delay(Duration::from_secs(1));
            let begin = Instant::now();
            let error = away(hasty.try_acquire_n(key, 20).await);
            let took = begin.elapsed();
            assert_eq!(error.kind(), StoreErrorKind::TimedOut);
            assert!(error.is_away());
            assert!(took >= timeout && took < Duration::from_secs(1), "{took:?}");
            // The 20 are charged.
            assert_eq!(take_all(&limiter(&server.url(), &rule).await, key).await, BURST - 20);
            // The late answer said "granted". It is not taken for the answer to a later call.
            proxy.mend();
            tokio::time::sleep(Duration::from_millis(1200)).await;
            for _ in 0..3 {
                let denied = loop {
                    match hasty.try_acquire(key).await {
                        Err(tollgate_redis::Error::Store(error)) if error.is_away() => {}
                        other => break other,
                    }
                };
                assert!(matches!(denied, Err(tollgate_redis::Error::Denied(_))), "{denied:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_server_that_stands_still_is_a_time_out() {
    for kind in kinds() {
        let mut server = Server::start(kind);
        let [rule, _] = rules();
        let hasty = RedisLimiter::new(RedisStore::new(connection(&server.url()).await), rule.clone());
        assert!(limiter(&server.url(), &rule).await.status("key").await.is_ok());
        server.signal("STOP");
        // Signals are delivered at some later instant: some calls may still be answered.
        let mut before = 0;
        let (error, took) = loop {
            let begin = Instant::now();
            match hasty.try_acquire("key").await {
                Ok(()) => before += 1,
                refused => break (away(refused), begin.elapsed()),
            }
        };
        assert_eq!(error.kind(), StoreErrorKind::TimedOut);
        assert!(took >= RedisStore::<()>::TIMEOUT, "{took:?}");
        server.signal("CONT");
        // The call was in the server's socket: it is charged when the server goes on.
        assert_eq!(take_all(&limiter(&server.url(), &rule).await, "key").await, BURST - before - 1);
    }
}

#[tokio::test]
async fn a_killed_connection_is_made_again() {
    for kind in kinds() {
        let server = Server::start(kind);
        let [rule, _] = rules();
        let limiter = limiter(&server.url(), &rule).await;
        let mut granted = 0;
        for _ in 0..5 {
            assert!(limiter.try_acquire("key").await.is_ok());
            granted += 1;
            server.command(&["CLIENT", "KILL", "TYPE", "normal"]);
            let until = Instant::now() + Duration::from_secs(10);
            while let Err(error) = limiter.status("key").await {
                assert!(error.is_away() && Instant::now() < until, "{error}");
            }
        }
        assert_eq!(take_all(&limiter, "key").await, BURST - granted);
    }
}

#[tokio::test]
async fn a_killed_server_is_away_at_once() {
    for kind in kinds() {
        let mut server = Server::start(kind);
        let [rule, _] = rules();
        let limiter = limiter(&server.url(), &rule).await;
        assert!(limiter.try_acquire("key").await.is_ok());
        server.kill();
        for _ in 0..3 {
            let error = away(limiter.try_acquire("key").await);
            assert_eq!(error.kind(), StoreErrorKind::Disconnected);
        }
    }
}
