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

#[tokio::test]
async fn a_key_of_another_type_is_left_as_it_is() {
    for kind in kinds() {
        let server = Server::start(kind);
        for rule in rules() {
            let limiter = limiter(&server.url(), &rule).await.with_prefix("");
            server.command(&["DEL", "taken"]);
            server.command(&["RPUSH", "taken", "by", "others"]);
            assert_eq!(away(limiter.try_acquire("taken").await).kind(), StoreErrorKind::ForeignValue);
            assert_eq!(server.command(&["LRANGE", "taken", "0", "-1"]), "by\nothers");
            server.command(&["SET", "text", "of others"]);
            assert_eq!(away(limiter.try_acquire("text").await).kind(), StoreErrorKind::ForeignValue);
            assert_eq!(server.command(&["GET", "text"]), "of others");
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
