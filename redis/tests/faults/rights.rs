//! What the server's users may do, what errors tell, and what a key can hold.

use crate::servers::{Server, kinds};
use crate::{BURST, away, limiter, rules, take_all};
use tollgate_redis::StoreErrorKind;

#[tokio::test]
async fn a_user_who_may_not_run_scripts_is_told_so_and_no_secret_is() {
    for kind in kinds() {
        let server = Server::start(kind);
        server.command(&["ACL", "SETUSER", "quentin", "on", ">xyzzy", "~*", "+@all", "-@scripting"]);
        let url = format!("redis://quentin:xyzzy@127.0.0.1:{}/", server.port());
        for rule in rules() {
            let limiter = limiter(&url, &rule).await;
            let error = away(limiter.try_acquire("customer-4711").await);
            assert_eq!((error.kind(), error.code()), (StoreErrorKind::Forbidden, Some("NOPERM")));
            assert!(!error.is_away());
            for told in [error.to_string(), format!("{error:?}"), format!("{limiter:?}")] {
                for secret in ["quentin", "xyzzy", "4711"] {
                    assert!(!told.contains(secret), "{told}");
                }
            }
        }
    }
}

/// A script that runs into a forbidden command charges nothing, except where that is its last one, and leaves no key that
/// stays for ever.
#[tokio::test]
async fn a_user_who_may_not_use_a_command_of_the_script_leaves_no_key_for_ever() {
    let commands = ["time", "get", "set", "getrange", "setrange", "pexpire"];
    for kind in kinds() {
        let server = Server::start(kind);
        for (name, rule) in ["strict", "exact"].into_iter().zip(rules()) {
            for command in commands {
                let forbidden = format!("-{command}");
                server.command(&["ACL", "SETUSER", command, "on", ">xyzzy", "~*", "+@all", &forbidden]);
                let url = format!("redis://{command}:xyzzy@127.0.0.1:{}/", server.port());
                let restricted = limiter(&url, &rule).await;
                let all = limiter(&server.url(), &rule).await;
                let (new, known) = (format!("{name} {command} new"), format!("{name} {command} known"));
                assert!(all.try_acquire(&known).await.is_ok());
                for key in [&new, &known] {
                    if let Err(error) = restricted.try_acquire(key).await.map_err(|error| away(Err(error))) {
                        assert_eq!(error.kind(), StoreErrorKind::Forbidden);
                        let last = (name, command) == ("exact", "pexpire");
                        let charged = if *key == known { 1 + u32::from(last) } else { 0 };
                        assert_eq!(all.status(key).await.unwrap().remaining(), BURST - charged, "{key}");
                    }
                    let key = format!("tollgate:{key}");
                    let left = server.command(&["PTTL", &key]);
                    assert!(left == "-2" || left.parse::<u64>().is_ok(), "{key}: {left}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_key_is_bytes_and_nothing_else() {
    let long = vec![b'k'; 1 << 16];
    let keys: [&[u8]; 9] = [
        b"",
        b"\0",
        b"\xff\xfe",
        b"\r\n*1\r\n$8\r\nFLUSHALL\r\n",
        b"'; redis.call('FLUSHALL') --",
        b"]] redis.call('FLUSHALL') [[",
        b"{tag}one",
        b"%s %d ${key} KEYS[1]",
        &long,
    ];
    for kind in kinds() {
        let server = Server::start(kind);
        for rule in rules() {
            server.command(&["FLUSHALL"]);
            let limiter = limiter(&server.url(), &rule).await;
            for key in keys {
                assert_eq!(take_all(&limiter, key).await, BURST, "{key:?}");
            }
            assert_eq!(server.command(&["DBSIZE"]), keys.len().to_string());
            for key in keys {
                assert_eq!(take_all(&limiter, key).await, 0, "{key:?}");
            }
        }
    }
}
