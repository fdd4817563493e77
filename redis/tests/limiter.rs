//! A limiter as its users hold it, on real servers and by their clocks.

mod servers;

use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig, MultiplexedConnection};
use servers::{Server, connection, kinds};
use tollgate::{Cause, Nanos, Policy};
use tollgate_redis::{Call, Error, RedisLimiter, RedisStore, Rule, Store, StoreError, StoreErrorKind};

/// Longer than a busy machine needs.
const PATIENCE: Duration = Duration::from_secs(20);

async fn connect(server: &Server) -> RedisStore<MultiplexedConnection> {
    RedisStore::new(connection(&server.url()).await).with_timeout(PATIENCE)
}

/// A connection that is made again after it broke.
async fn manager(client: redis::Client) -> RedisStore<ConnectionManager> {
    let config = ConnectionManagerConfig::new()
        .set_min_delay(Duration::from_millis(1))
        .set_connection_timeout(Some(PATIENCE))
        .set_response_timeout(Some(PATIENCE));
    let connection = ConnectionManager::new_with_config(client, config).await.unwrap();
    RedisStore::new(connection).with_timeout(PATIENCE)
}

/// So slow that no permit comes back while a test runs: a strict bucket takes 146 s for one.
fn rules() -> [Rule; 2] {
    let policy = "50/1h, 1500/60h".parse().unwrap();
    [Rule::strict(policy).unwrap(), Rule::exact(policy).unwrap()]
}

/// The reply to a command as a number.
fn number(server: &Server, args: &[&str]) -> u64 {
    server.command(args).parse().unwrap()
}

#[tokio::test]
async fn a_call_is_granted_or_refused_until_its_instant() {
    for kind in kinds() {
        let server = Server::start(kind);
        for rule in rules() {
            let limiter = RedisLimiter::new(connect(&server).await, rule).with_prefix(format!("{kind:?} "));
            let burst = limiter.rule().burst();
            let is_strict = limiter.rule().plan().is_some();
            let key = if is_strict { "strict" } else { "exact" };
            assert_eq!(limiter.status(key).await.unwrap().remaining(), burst);
            assert_eq!(limiter.try_acquire_n(key, burst).await, Ok(()));
            let Err(Error::Denied(denied)) = limiter.try_acquire(key).await else { panic!() };
            assert_eq!(denied.cause(), if is_strict { Cause::Pace } else { Cause::Quota(0) });
            let most = Duration::from_secs(if is_strict { 147 } else { 3_600 });
            assert!(denied.retry_after().unwrap() <= most && denied.retry_at() > Some(denied.at()));
            assert!(matches!(limiter.peek_n(key, 1).await, Err(Error::Denied(_))));
            assert_eq!(limiter.try_acquire("another").await, Ok(()));
            let Err(Error::Denied(never)) = limiter.try_acquire_n(key, burst + 1).await else { panic!() };
            assert_eq!((never.retry_at(), never.burst()), (None, burst));
            assert_eq!(limiter.try_acquire_n(key, 0).await, Ok(()));
            server.command(&["FLUSHALL"]);
        }
    }
}

#[tokio::test]
async fn a_refusal_and_a_look_write_nothing_and_a_value_goes_when_it_is_of_no_use() {
    for kind in kinds() {
        let server = Server::start(kind);
        for rule in rules() {
            let limiter = RedisLimiter::new(connect(&server).await, rule);
            let recovers = if limiter.rule().plan().is_some() { 3_807_459 } else { 216_000_001 };
            assert_eq!(limiter.peek_n("key", 1).await, Ok(()));
            limiter.status("key").await.unwrap();
            assert!(limiter.try_acquire_n("key", 1_000).await.is_err());
            assert_eq!(server.command(&["DBSIZE"]), "0");
            let burst = limiter.rule().burst();
            limiter.try_acquire_n("key", burst - 1).await.unwrap();
            // Every grant tells anew when the value goes.
            server.command(&["PEXPIRE", "tollgate:key", "100000"]);
            limiter.try_acquire_n("key", 1).await.unwrap();
            let (value, left) =
                (server.command(&["GET", "tollgate:key"]), number(&server, &["PTTL", "tollgate:key"]));
            assert!(left <= recovers && left + 60_000 > recovers, "{left}");
            for n in [0, 1, burst, burst + 1, u32::MAX] {
                let _ = limiter.try_acquire_n("key", n).await;
                let _ = limiter.peek_n("key", n).await;
            }
            assert_eq!(server.command(&["GET", "tollgate:key"]), value);
            server.command(&["FLUSHALL"]);
        }
        // One permit of a strict bucket is forgotten when it has come back, and not before.
        let limiter =
            RedisLimiter::new(connect(&server).await, Rule::strict("1/100ms".parse().unwrap()).unwrap());
        let granted = limiter.decide(limiter.rule(), "key", 1).await.unwrap();
        let again = loop {
            let answer = limiter.decide(limiter.rule(), "key", 1).await.unwrap();
            if answer.is_granted() {
                break answer;
            }
        };
        let waited = again.at().saturating_duration_since(granted.at());
        assert!(waited >= Duration::from_millis(100), "{waited:?}");
    }
}

#[tokio::test]
async fn keys_are_bytes_and_never_code() {
    for kind in kinds() {
        let server = Server::start(kind);
        for rule in rules() {
            let limiter = RedisLimiter::new(connect(&server).await, rule).with_prefix(&b"\xff'\r\n"[..]);
            let long = vec![b'k'; 70_000];
            let keys: [&[u8]; 6] =
                [b"", b"' .. redis.call('FLUSHALL') .. '", b"\0\r\n$3\r\n", b"{a}{b}", b"\xff\xfe", &long];
            for key in keys {
                let call = limiter.rule().take([b"\xff'\r\n", key].concat(), 1, tollgate_redis::Time::Server);
                assert_eq!(call.key(), [b"\xff'\r\n", key].concat());
                assert!(!call.script().contains("FLUSHALL"));
                let burst = limiter.rule().burst();
                limiter.try_acquire_n(key, burst).await.unwrap();
                assert!(limiter.try_acquire(key).await.is_err());
            }
            assert_eq!(number(&server, &["DBSIZE"]), 6);
            server.command(&["FLUSHALL"]);
        }
    }
}

#[tokio::test]
async fn callers_with_plans_of_their_own_share_a_limiter() {
    for kind in kinds() {
        let server = Server::start(kind);
        let rule = |text: &str| Rule::strict(text.parse().unwrap()).unwrap();
        let (free, pro) = (rule("2/1s, 60/1h"), rule("200/1s, 6000/1h"));
        let limiter = RedisLimiter::new(connect(&server).await, free.clone());
        let left = |answer: tollgate_redis::Answer| answer.status().unwrap().remaining();
        let before = limiter.decide(&free, "caller", free.burst()).await.unwrap();
        assert_eq!((before.is_granted(), left(before)), (true, 0));
        // What it has spent stays charged at the old price, which is a hundred times that of the new plan.
        let after = limiter.decide(&pro, "caller", 1).await.unwrap();
        let Err(denied) = after.result() else { panic!("{after:?}") };
        assert!(denied.retry_after().unwrap() > Duration::from_secs(1));
        let other = limiter.decide(&pro, "another", 1).await.unwrap();
        assert_eq!((other.is_granted(), left(other)), (true, pro.burst() - 1));
    }
}

#[tokio::test]
async fn a_rule_with_a_longer_window_knows_what_was_granted_since_its_first_grant() {
    for kind in kinds() {
        let server = Server::start(kind);
        let rule = |text: &str| Rule::exact(text.parse().unwrap()).unwrap();
        let (short, long) = (rule("3/1ms"), rule("3/1ms, 5/1h"));
        let store = connect(&server).await;
        let [short, long] = [short, long].map(|rule| RedisLimiter::new(&store, rule));
        let left = async || long.status("key").await.unwrap().quotas()[1].remaining;
        assert_eq!(short.try_acquire_n("key", 3).await, Ok(()));
        while server.command(&["EXISTS", "tollgate:key"]) == "1" {}
        assert_eq!(left().await, 5);
        assert_eq!(long.try_acquire_n("key", 2).await, Ok(()));
        while short.try_acquire_n("key", 3).await.is_err() {}
        assert_eq!(left().await, 0);
        let Err(Error::Denied(denied)) = long.try_acquire("key").await else { panic!() };
        assert_eq!((denied.quota(), denied.retry_after() > Some(Duration::from_secs(3_000))), (1, true));
    }
}

#[tokio::test]
async fn a_value_of_somebody_else_is_left_alone() {
    for kind in kinds() {
        let server = Server::start(kind);
        let store = connect(&server).await;
        let limiters = rules().map(|rule| RedisLimiter::new(&store, rule).with_prefix(""));
        server.command(&["RPUSH", "list", "value"]);
        server.command(&["SET", "text", "value"]);
        server.command(&["SET", "number", "17"]);
        server.command(&["SET", "long", &format!("{}.000000", "9".repeat(40))]);
        limiters[0].try_acquire("bucket").await.unwrap();
        limiters[1].try_acquire("log").await.unwrap();
        for (i, limiter) in limiters.iter().enumerate() {
            let other = if i == 0 { "log" } else { "bucket" };
            for (key, code) in [
                ("list", "WRONGTYPE"),
                ("text", "TOLLGATE"),
                ("number", "TOLLGATE"),
                ("long", "TOLLGATE"),
                (other, "TOLLGATE"),
            ] {
                let before = server.command(&["DUMP", key]);
                let error = limiter.status(key).await.unwrap_err();
                assert_eq!((error.kind(), error.code()), (StoreErrorKind::ForeignValue, Some(code)));
                assert_eq!(limiter.try_acquire(key).await, Err(Error::Store(error.clone())));
                assert!(!error.is_away());
                assert_eq!(server.command(&["DUMP", key]), before);
            }
        }
    }
}

/// A store that counts what it sends.
struct Counting<S> {
    store: S,
    sent: std::sync::atomic::AtomicU32,
}

impl<S: Store> Store for Counting<S> {
    async fn eval_sha(&self, call: &Call) -> Result<Vec<i64>, StoreError> {
        self.sent.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.store.eval_sha(call).await
    }

    async fn eval(&self, call: &Call) -> Result<Vec<i64>, StoreError> {
        self.sent.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.store.eval(call).await
    }
}

#[tokio::test]
async fn a_script_that_the_server_forgot_is_sent_again() {
    for kind in kinds() {
        let mut server = Server::start_with(kind, &["--appendonly", "yes", "--appendfsync", "always"]);
        for (i, rule) in rules().into_iter().enumerate() {
            let store = manager(redis::Client::open(server.url()).unwrap()).await;
            let store = Counting { store, sent: 0.into() };
            let limiter = RedisLimiter::new(&store, rule).with_prefix(format!("{i} "));
            let sent = || store.sent.swap(0, std::sync::atomic::Ordering::Relaxed);
            limiter.try_acquire("key").await.unwrap();
            assert_eq!(sent(), 2);
            limiter.try_acquire("key").await.unwrap();
            assert_eq!(sent(), 1);
            assert_eq!(server.command(&["SCRIPT", "FLUSH"]), "OK");
            limiter.try_acquire("key").await.unwrap();
            assert_eq!(sent(), 2);
            let left = limiter.status("key").await.unwrap().remaining();
            assert_eq!(left, limiter.rule().burst() - 3);
            // With persistence, a restart forgets the script and keeps the key.
            server.restart();
            let mut attempts = 0;
            while let Err(error) = limiter.status("key").await {
                assert!(error.is_away(), "{error:?}");
                attempts += 1;
                assert!(attempts < 500, "{error:?}");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            let left = limiter.status("key").await.unwrap().remaining();
            assert!((limiter.rule().burst() - 3..=limiter.rule().burst() - 1).contains(&left), "{left}");
        }
    }
}

#[tokio::test]
async fn the_clock_of_the_client() {
    for kind in kinds() {
        let server = Server::start(kind);
        // A managed service that refuses TIME.
        let refused = server.command(&["ACL", "SETUSER", "default", "-time"]);
        assert_eq!(refused, "OK");
        for rule in rules() {
            let limiter = RedisLimiter::new(connect(&server).await, rule);
            let error = limiter.status("key").await.unwrap_err();
            assert_eq!((error.kind(), error.is_away()), (StoreErrorKind::Forbidden, false));
            let limiter = limiter.with_client_time();
            let burst = limiter.rule().burst();
            limiter.try_acquire_n("key", burst).await.unwrap();
            let Err(Error::Denied(denied)) = limiter.try_acquire("key").await else { panic!() };
            let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
            let apart = Nanos::ZERO.saturating_add(since).saturating_duration_since(denied.at());
            assert!(apart < Duration::from_secs(20), "{apart:?}");
            server.command(&["FLUSHALL"]);
        }
    }
}

#[tokio::test]
async fn no_error_tells_a_secret() {
    let secret = "hunter2";
    for kind in kinds() {
        let server = Server::start(kind);
        assert_eq!(server.command(&["CONFIG", "SET", "requirepass", "another"]), "OK");
        let url = format!("redis://user:{secret}@127.0.0.1:{}/", server.port());
        let client = redis::Client::open(url).unwrap();
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(0)
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE));
        let connection = ConnectionManager::new_lazy_with_config(client, config).unwrap();
        let store = RedisStore::new(connection).with_timeout(PATIENCE);
        let limiter = RedisLimiter::new(store.clone(), rules()[0].clone());
        let error = limiter.try_acquire("key of hunter2").await.unwrap_err();
        let Error::Store(inner) = &error else { panic!("{error}") };
        assert_eq!(inner.kind(), StoreErrorKind::Forbidden, "{inner:?}");
        let call = limiter.rule().take("key of hunter2", 1, tollgate_redis::Time::Server);
        for told in [format!("{error} {error:?}"), format!("{store:?} {call:?}")] {
            assert!(!told.contains(secret) && !told.contains("127.0.0.1"), "{told}");
        }
    }
    // A server repeats what it was sent.
    let said = "ERR unknown command 'EVALSHA', with args beginning with: 'OOM' '1' 'hunter2' ";
    let error = StoreError::from_server(said);
    assert_eq!((error.kind(), error.code()), (StoreErrorKind::Forbidden, Some("ERR")));
    assert_eq!(error.to_string(), "the store does not execute the script: it says ERR");
    let error = StoreError::from_server("hunter2 is no code");
    assert_eq!((error.kind(), error.code()), (StoreErrorKind::Forbidden, Some("ERR")));
}

#[test]
fn what_servers_say() {
    use StoreErrorKind::{Forbidden, ForeignValue, NotReady, UnknownScript};
    for (line, kind, code) in [
        ("NOSCRIPT No matching script. Please use EVAL.", UnknownScript, "NOSCRIPT"),
        ("-LOADING Redis is loading the dataset in memory", NotReady, "LOADING"),
        (
            "READONLY You can't write against a read only replica. script: 3f, on @user_script:42.",
            NotReady,
            "READONLY",
        ),
        ("ERR max number of clients reached", NotReady, "ERR"),
        ("ERR Script killed by user with SCRIPT KILL. script: on @user_script:1.", NotReady, "ERR"),
        ("NOPERM User x has no permissions to run the 'evalsha' command", Forbidden, "NOPERM"),
        ("MOVED 3999 127.0.0.1:6381", Forbidden, "MOVED"),
        ("", Forbidden, "ERR"),
        // Before version 7, and before that.
        (
            "ERR Error running script (call to f_3f): @user_script:12: WRONGTYPE Operation against a key",
            ForeignValue,
            "WRONGTYPE",
        ),
        (
            "ERR Error running script (call to f_3f): @user_script:42: @user_script: 42: -OOM command not allowed",
            NotReady,
            "OOM",
        ),
        (
            "ERR Error running script (call to f_3f): @user_script:4: Script attempted to access a non local key",
            Forbidden,
            "ERR",
        ),
    ] {
        let error = StoreError::from_server(line);
        assert_eq!((error.kind(), error.code()), (kind, Some(code)), "{line}");
        assert_eq!(error.is_away(), kind == NotReady);
    }
    assert!(StoreError::timed_out().is_away() && StoreError::disconnected().is_away());
    assert!(!StoreError::unexpected_reply().is_away());
}

#[tokio::test]
async fn a_log_takes_eight_bytes_for_a_permit() {
    for kind in kinds() {
        let server = Server::start(kind);
        let store = connect(&server).await;
        let usage = |key: &str| number(&server, &["MEMORY", "USAGE", key, "SAMPLES", "0"]);
        let strict = RedisLimiter::new(&store, rules()[0].clone());
        strict.try_acquire("bucket").await.unwrap();
        assert!(usage("tollgate:bucket") <= 136, "{}", usage("tollgate:bucket"));
        for limit in [50_u32, 1_500, 10_000, 100_000] {
            let rule = Rule::exact(Policy::new(&[tollgate::Quota::per_hour(limit)]).unwrap()).unwrap();
            let limiter = RedisLimiter::new(&store, rule);
            let key = format!("log {limit}");
            for _ in 0..10 {
                limiter.try_acquire_n(&key, limit / 10).await.unwrap();
            }
            let (length, used) =
                (number(&server, &["STRLEN", &format!("tollgate:{key}")]), usage(&format!("tollgate:{key}")));
            eprintln!("{kind:?}, a log of {limit}: {length} bytes as a string, {used} in memory");
            assert_eq!(length, 36 + 8 * u64::from(limit));
            // The server keeps room for the string to grow: up to as much again.
            assert!(used <= 2 * length + 200, "{used}");
        }
    }
}
