//! Replicas: what a failover keeps, what it forgets, and what a replica answers.

use crate::proxy::Proxy;
use crate::servers::{Kind, Server, kinds};
use crate::{BURST, away, limiter, rules, take_all};
use tollgate_redis::StoreErrorKind;

/// A server and one that follows it.
fn pair(kind: Kind) -> (Server, Server) {
    let leader = Server::start(kind);
    let replica = Server::start_with(kind, &["--replicaof", "127.0.0.1", &leader.port().to_string()]);
    wait_for(&replica, "master_link_status:up");
    (leader, replica)
}

fn wait_for(server: &Server, what: &str) {
    for _ in 0..2000 {
        if server.command(&["INFO", "replication"]).contains(what) {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("{}", server.command(&["INFO", "replication"]));
}

#[tokio::test]
async fn a_replica_does_not_decide() {
    for kind in kinds() {
        let (leader, replica) = pair(kind);
        for (key, rule) in ["strict", "exact"].into_iter().zip(rules()) {
            let error = away(limiter(&replica.url(), &rule).await.try_acquire(key).await);
            assert_eq!((error.kind(), error.code()), (StoreErrorKind::NotReady, Some("READONLY")));
            assert_eq!(take_all(&limiter(&leader.url(), &rule).await, key).await, BURST);
        }
    }
}

#[tokio::test]
async fn a_failover_keeps_what_was_replicated() {
    for kind in kinds() {
        let (mut leader, replica) = pair(kind);
        for (key, rule) in ["strict", "exact"].into_iter().zip(rules()) {
            assert!(limiter(&leader.url(), &rule).await.try_acquire_n(key, 10).await.is_ok());
        }
        wait_until_applied(&leader, &replica);
        leader.kill();
        assert_eq!(replica.command(&["REPLICAOF", "NO", "ONE"]), "OK");
        for (key, rule) in ["strict", "exact"].into_iter().zip(rules()) {
            assert_eq!(take_all(&limiter(&replica.url(), &rule).await, key).await, BURST - 10);
        }
    }
}

/// The bound of the README: what a failover loses is what was granted within the lag.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failover_forgets_what_was_not_replicated_and_no_more() {
    for kind in kinds() {
        let mut leader = Server::start(kind);
        let wire = Proxy::to(leader.port()).await;
        let replica = Server::start_with(kind, &["--replicaof", "127.0.0.1", &wire.port().to_string()]);
        wait_for(&replica, "master_link_status:up");
        let rules = rules();
        for (key, rule) in ["strict", "exact"].into_iter().zip(&rules) {
            assert!(limiter(&leader.url(), rule).await.try_acquire_n(key, 10).await.is_ok());
        }
        wait_until_applied(&leader, &replica);
        wire.cut();
        for (key, rule) in ["strict", "exact"].into_iter().zip(&rules) {
            assert!(limiter(&leader.url(), rule).await.try_acquire_n(key, 7).await.is_ok());
        }
        leader.kill();
        assert_eq!(replica.command(&["REPLICAOF", "NO", "ONE"]), "OK");
        for (key, rule) in ["strict", "exact"].into_iter().zip(&rules) {
            // The 7 are lost, the 10 are not.
            assert_eq!(take_all(&limiter(&replica.url(), rule).await, key).await, BURST - 10);
        }
    }
}

/// Until the replica has applied all that its leader has written.
fn wait_until_applied(leader: &Server, replica: &Server) {
    let written = offset(leader, "master_repl_offset:");
    while offset(replica, "slave_repl_offset:") < written {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

fn offset(server: &Server, field: &str) -> u64 {
    let told = server.command(&["INFO", "replication"]);
    told.lines().find_map(|line| line.trim().strip_prefix(field)).unwrap().parse().unwrap()
}
