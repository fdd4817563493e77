//! A server without room: it refuses to write, or it throws keys away.

use crate::servers::{Server, kinds};
use crate::{BURST, away, limiter, rules, take_all};
use tollgate_redis::StoreErrorKind;

#[tokio::test]
async fn a_full_server_decides_nothing_and_charges_nothing() {
    for kind in kinds() {
        let server = Server::start(kind);
        for (key, rule) in ["strict", "exact"].into_iter().zip(rules()) {
            let limiter = limiter(&server.url(), &rule).await;
            assert!(limiter.try_acquire(key).await.is_ok());
            server.command(&["CONFIG", "SET", "maxmemory", "1"]);
            for _ in 0..3 {
                let error = away(limiter.try_acquire(key).await);
                assert_eq!((error.kind(), error.code()), (StoreErrorKind::NotReady, Some("OOM")));
            }
            server.command(&["CONFIG", "SET", "maxmemory", "0"]);
            assert_eq!(take_all(&limiter, key).await, BURST - 1);
        }
    }
}

#[tokio::test]
async fn a_server_that_lacks_its_replicas_decides_nothing_and_charges_nothing() {
    for kind in kinds() {
        let server = Server::start(kind);
        for (key, rule) in ["strict", "exact"].into_iter().zip(rules()) {
            let limiter = limiter(&server.url(), &rule).await;
            assert!(limiter.try_acquire(key).await.is_ok());
            server.command(&["CONFIG", "SET", "min-replicas-to-write", "1"]);
            let error = away(limiter.try_acquire(key).await);
            assert_eq!((error.kind(), error.code()), (StoreErrorKind::NotReady, Some("NOREPLICAS")));
            server.command(&["CONFIG", "SET", "min-replicas-to-write", "0"]);
            assert_eq!(take_all(&limiter, key).await, BURST - 1);
        }
    }
}

/// Why the README asks for `noeviction`.
#[tokio::test]
async fn a_server_that_evicts_keys_forgets_their_permits() {
    for kind in kinds() {
        let server = Server::start_with(kind, &["--maxmemory-policy", "allkeys-random"]);
        for (key, rule) in ["strict", "exact"].into_iter().zip(rules()) {
            let limiter = limiter(&server.url(), &rule).await;
            assert_eq!(take_all(&limiter, key).await, BURST);
            server.command(&["CONFIG", "SET", "maxmemory", "1"]);
            // Any write makes room first.
            server.command(&["SET", "another", "key"]);
            assert_eq!(server.command(&["DBSIZE"]), "0");
            server.command(&["CONFIG", "SET", "maxmemory", "0"]);
            assert_eq!(take_all(&limiter, key).await, BURST);
        }
    }
}
