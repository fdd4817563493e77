//! One limit for many connections and many processes: no window ever holds more than it may.

mod servers;

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use fastrand::Rng;
use redis::aio::MultiplexedConnection;
use servers::{Server, connection, kinds};
use tollgate::{Nanos, Policy};
use tollgate_redis::{RedisLimiter, RedisStore, Rule, Store, Time};

const SECOND: u64 = 1_000_000_000;

async fn connect(url: &str) -> RedisStore<MultiplexedConnection> {
    RedisStore::new(connection(url).await).with_timeout(Duration::from_secs(20))
}

/// The most of the sorted `instants` in any half-open window: each is counted with those shortly before it.
fn busiest(instants: &[u64], window: Duration) -> usize {
    let window = u64::try_from(window.as_nanos()).unwrap();
    let counted =
        |(i, last): (usize, &u64)| instants[..=i].iter().rev().take_while(|it| last - **it < window).count();
    instants.iter().enumerate().map(counted).max().unwrap_or(0)
}

fn check(instants: &mut [u64], policy: &Policy, whole: bool, context: &str) {
    instants.sort_unstable();
    for quota in policy.quotas() {
        let (most, limit) = (busiest(instants, quota.window()), quota.limit() as usize);
        assert!(most <= limit, "{context}: {most} in a window of {quota}");
        assert!(!whole || most == limit, "{context}: only {most} in a window of {quota}");
    }
}

#[test]
fn the_busiest_window_is_found() {
    assert_eq!(busiest(&[0, 4, 9, 10, 13], Duration::from_nanos(10)), 4);
    assert_eq!(busiest(&[0, 10, 20], Duration::from_nanos(10)), 1);
    assert_eq!(busiest(&[5, 5, 5], Duration::from_nanos(1)), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_a_minute_and_1500_an_hour_from_many_connections_for_hours() {
    let policy = Policy::MICROSOFT_365_DEFENDER;
    for kind in kinds() {
        let server = Server::start(kind);
        for rule in [Rule::strict(policy).unwrap(), Rule::exact(policy).unwrap()] {
            let is_exact = rule.plan().is_none();
            let key = format!("shared {is_exact}");
            // The time of all: each caller moves it, and then asks by what it saw, which others may have left behind.
            let clock = Arc::new(AtomicU64::new(SECOND));
            let mut callers = Vec::new();
            for caller in 0..8 {
                let (store, rule, key) = (connect(&server.url()).await, rule.clone(), key.clone());
                let clock = clock.clone();
                callers.push(tokio::spawn(async move {
                    let (mut rng, mut granted) = (Rng::with_seed(caller), Vec::new());
                    for _ in 0..1_500 {
                        let moved =
                            if rng.u8(0..8) == 0 { rng.u64(0..40 * SECOND) } else { rng.u64(0..SECOND / 8) };
                        let now = clock.fetch_add(moved, Ordering::Relaxed) / 1_000 * 1_000;
                        let n = if rng.u8(0..4) == 0 { rng.u32(1..=12) } else { 1 };
                        let call = rule.take(key.as_bytes(), n, Time::Told(Nanos::from_nanos(now)));
                        let answer = rule.answer(n, &store.run(&call).await.unwrap()).unwrap();
                        if answer.is_granted() {
                            granted.extend((0..n).map(|_| now));
                        }
                    }
                    granted
                }));
            }
            let mut instants = Vec::new();
            for caller in callers {
                instants.extend(caller.await.unwrap());
            }
            let hours = clock.load(Ordering::Relaxed) / SECOND / 3_600;
            assert!(hours >= 3, "{hours}");
            check(&mut instants, &policy, is_exact, &format!("{kind:?}, exact: {is_exact}, {hours} h"));
        }
    }
}

const URL: &str = "TOLLGATE_SHARED_URL";
const EXACT: &str = "TOLLGATE_SHARED_EXACT";
const SHORT: &str = "30/200ms, 100/1s";

fn short(is_exact: bool) -> Rule {
    let policy = SHORT.parse().unwrap();
    if is_exact { Rule::exact(policy).unwrap() } else { Rule::strict(policy).unwrap() }
}

/// Not a test of its own: it is a process that asks for two and a half seconds, and tells the instants of its grants.
#[tokio::test]
async fn asks_as_fast_as_it_can() {
    let Some(url) = std::env::var_os(URL) else { return };
    let store = connect(url.to_str().unwrap()).await;
    let limiter = RedisLimiter::new(store, short(std::env::var_os(EXACT).is_some()));
    let until = Instant::now() + Duration::from_millis(2_500);
    println!();
    while Instant::now() < until {
        let answers: Vec<_> = (0..4).map(|_| limiter.decide(limiter.rule(), "key", 1)).collect();
        for answer in answers {
            let answer = answer.await.unwrap();
            if answer.is_granted() {
                println!("granted {}", answer.at().as_nanos());
            }
        }
    }
}

#[test]
fn many_processes_by_the_servers_clock() {
    for kind in kinds() {
        let server = Server::start(kind);
        for is_exact in [false, true] {
            server.command(&["FLUSHALL"]);
            let start = || {
                let mut process = Command::new(std::env::current_exe().unwrap());
                process.args(["--exact", "asks_as_fast_as_it_can", "--nocapture"]).env(URL, server.url());
                if is_exact {
                    process.env(EXACT, "yes");
                }
                process.stdout(Stdio::piped()).spawn().unwrap()
            };
            let processes: Vec<_> = (0..6).map(|_| start()).collect();
            let mut instants = Vec::new();
            for process in processes {
                let output = process.wait_with_output().unwrap();
                assert!(output.status.success());
                let told = String::from_utf8(output.stdout).unwrap();
                instants.extend(
                    told.lines().filter_map(|line| line.strip_prefix("granted ")?.parse::<u64>().ok()),
                );
            }
            let policy: Policy = SHORT.parse().unwrap();
            check(&mut instants, &policy, is_exact, &format!("{kind:?}, exact: {is_exact}"));
            assert!(instants.len() >= 200, "{} granted", instants.len());
        }
    }
}
