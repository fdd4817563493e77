//! A cluster of three on loopback: every key is decided by one of them.

use std::time::Duration;

use crate::servers::{Kind, Server, free_port, kinds};
use crate::{BURST, away, patient, rules, take_all};
use redis::cluster::ClusterClient;
use tollgate_redis::{RedisLimiter, RedisStore};

fn cluster(kind: Kind) -> [Server; 3] {
    let node = || {
        let bus = free_port().to_string();
        let options = ["--cluster-enabled", "yes", "--cluster-node-timeout", "1000", "--cluster-port", &bus];
        (Server::start_with(kind, &options), bus)
    };
    let nodes = [node(), node(), node()];
    for ((server, _), slots) in nodes.iter().zip([("0", "5460"), ("5461", "10922"), ("10923", "16383")]) {
        assert_eq!(server.command(&["CLUSTER", "ADDSLOTSRANGE", slots.0, slots.1]), "OK");
    }
    for (server, bus) in &nodes[1..] {
        let port = server.port().to_string();
        assert_eq!(nodes[0].0.command(&["CLUSTER", "MEET", "127.0.0.1", &port, bus]), "OK");
    }
    let nodes = nodes.map(|(server, _)| server);
    for server in &nodes {
        while !server.command(&["CLUSTER", "INFO"]).contains("cluster_state:ok") {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    nodes
}

/// A client that waits for its servers as long as a slow machine needs. The time-out is the store's.
fn client(nodes: &[Server; 3]) -> ClusterClient {
    ClusterClient::builder(nodes.iter().map(Server::url))
        .connection_timeout(Duration::from_secs(5))
        .response_timeout(Duration::from_secs(5))
        .build()
        .unwrap()
}

#[tokio::test]
async fn every_key_of_a_cluster_has_its_own_limit() {
    for kind in kinds() {
        let nodes = cluster(kind);
        let connection = client(&nodes).get_async_connection().await.unwrap();
        for (name, rule) in ["strict", "exact"].into_iter().zip(rules()) {
            let limiter = patient(connection.clone(), &rule);
            for key in 0..12 {
                assert_eq!(take_all(&limiter, format!("{name} {key}")).await, BURST);
            }
        }
        // The keys are spread, so each of the three has decided.
        let sizes = nodes.each_ref().map(|node| node.command(&["DBSIZE"]).parse::<u32>().unwrap());
        assert_eq!(sizes.iter().sum::<u32>(), 24);
        assert!(sizes.iter().all(|&size| size > 0), "{sizes:?}");
    }
}

/// A key is asked for where it was, and the answer is that it goes (ASK), and later that it went (MOVED).
#[tokio::test]
async fn a_key_that_moves_to_another_node_keeps_its_permits() {
    for kind in kinds() {
        let nodes = cluster(kind);
        let connection = client(&nodes).get_async_connection().await.unwrap();
        for (key, rule) in ["strict", "exact"].into_iter().zip(rules()) {
            let limiter = patient(connection.clone(), &rule);
            assert_eq!(limiter.try_acquire_n(key, 10).await, Ok(()));
            let name = format!("tollgate:{key}");
            let slot = nodes[0].command(&["CLUSTER", "KEYSLOT", &name]);
            let (from, to) = match slot.parse().unwrap() {
                0..=5460 => (&nodes[0], &nodes[1]),
                5461..=10922 => (&nodes[1], &nodes[2]),
                _ => (&nodes[2], &nodes[0]),
            };
            let [source, target] = [from, to].map(|node| node.command(&["CLUSTER", "MYID"]));
            assert_eq!(to.command(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &source]), "OK");
            assert_eq!(from.command(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &target]), "OK");
            let port = to.port().to_string();
            assert_eq!(from.command(&["MIGRATE", "127.0.0.1", &port, &name, "0", "5000"]), "OK");
            assert_eq!(limiter.try_acquire_n(key, 6).await, Ok(()));
            for node in [to, from] {
                assert_eq!(node.command(&["CLUSTER", "SETSLOT", &slot, "NODE", &target]), "OK");
            }
            assert_eq!(take_all(&limiter, key).await, BURST - 16);
        }
    }
}

#[tokio::test]
async fn a_cluster_that_lacks_a_node_decides_nothing() {
    for kind in kinds() {
        let mut nodes = cluster(kind);
        let connection = client(&nodes).get_async_connection().await.unwrap();
        let [rule, _] = rules();
        let store = RedisStore::new(connection).with_timeout(Duration::from_millis(200));
        let limiter = RedisLimiter::new(store, rule);
        nodes[2].kill();
        while !nodes[0].command(&["CLUSTER", "INFO"]).contains("cluster_state:fail") {
            std::thread::sleep(Duration::from_millis(20));
        }
        for key in 0..6 {
            let error = away(limiter.try_acquire(format!("key {key}")).await);
            assert!(error.is_away(), "{error}");
        }
    }
}
