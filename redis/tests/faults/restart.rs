//! A server that is killed and starts again: what its persistence keeps, and what is lost without it.

use crate::servers::{Server, kinds};
use crate::{BURST, limiter, rules, take_all};

#[tokio::test]
async fn with_a_log_on_disk_no_permit_is_forgotten() {
    for kind in kinds() {
        let mut server = Server::start_with(kind, &["--appendonly", "yes", "--appendfsync", "always"]);
        for (key, rule) in ["strict", "exact"].into_iter().zip(rules()) {
            assert!(limiter(&server.url(), &rule).await.try_acquire_n(key, 10).await.is_ok());
            server.kill();
            server.restart();
            assert_eq!(take_all(&limiter(&server.url(), &rule).await, key).await, BURST - 10);
        }
    }
}

#[tokio::test]
async fn without_persistence_a_restart_forgets_all_permits() {
    for kind in kinds() {
        let mut server = Server::start(kind);
        for (key, rule) in ["strict", "exact"].into_iter().zip(rules()) {
            assert_eq!(take_all(&limiter(&server.url(), &rule).await, key).await, BURST);
            server.kill();
            server.restart();
            assert_eq!(take_all(&limiter(&server.url(), &rule).await, key).await, BURST);
        }
    }
}

#[tokio::test]
async fn a_server_without_the_script_is_told_it_again() {
    for kind in kinds() {
        let server = Server::start(kind);
        for (key, rule) in ["strict", "exact"].into_iter().zip(rules()) {
            let limiter = limiter(&server.url(), &rule).await;
            for _ in 0..BURST {
                assert_eq!(server.command(&["SCRIPT", "FLUSH"]), "OK");
                assert!(limiter.try_acquire(key).await.is_ok());
            }
            server.command(&["SCRIPT", "FLUSH"]);
            assert_eq!(take_all(&limiter, key).await, 0);
        }
    }
}
