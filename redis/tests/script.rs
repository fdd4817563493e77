//! The scripts on real servers, decision by decision beside the limiters of this process.
//!
//! The time is told to the scripts, so that hours pass in a moment. One test goes by the server's own clock.

mod servers;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use fastrand::Rng;
use redis::aio::MultiplexedConnection;
use servers::{Server, connection, kinds};
use tollgate::{Algorithm, Nanos, Plan, Policy, Quota, QuotaStatus, SlidingLog, Status, TokenBucket};
use tollgate_redis::{Answer, Call, RedisStore, Rule, Store, StoreError, Time};

async fn connect(server: &Server) -> RedisStore<MultiplexedConnection> {
    RedisStore::new(connection(&server.url()).await).with_timeout(std::time::Duration::from_secs(20))
}

/// A key that no other history has.
fn key() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("key {}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// `HISTORIES` of them instead of `count`.
fn histories(count: u64) -> u64 {
    std::env::var("HISTORIES").ok().and_then(|text| text.parse().ok()).unwrap_or(count)
}

async fn take(store: &impl Store, rule: &Rule, key: &str, n: u32, now: u64) -> Answer {
    let call = rule.take(key, n, Time::Told(Nanos::from_nanos(now)));
    rule.answer(n, &store.run(&call).await.unwrap()).unwrap()
}

async fn peek(store: &impl Store, rule: &Rule, key: &str, n: u32, now: u64) -> Answer {
    let call = rule.peek(key, n, Time::Told(Nanos::from_nanos(now)));
    rule.answer(n, &store.run(&call).await.unwrap()).unwrap()
}

const MICRO: u64 = 1_000;

/// In this process, an instant is any nanosecond. The script's clock gets there a microsecond later, or never.
fn later(instant: Nanos) -> Nanos {
    match instant {
        Nanos::MAX => Nanos::MAX,
        instant => Nanos::from_nanos(instant.as_nanos().div_ceil(MICRO) * MICRO),
    }
}

fn same_status(ours: Status, theirs: &dyn Algorithm, now: Nanos) {
    let inside = theirs.status_at(now);
    assert_eq!((ours.at(), ours.is_joint()), (now, inside.is_joint()));
    let rounded: Vec<_> = inside
        .quotas()
        .iter()
        .map(|it| QuotaStatus { next_at: later(it.next_at), reset_at: later(it.reset_at), ..*it })
        .collect();
    assert_eq!(ours.quotas(), rounded);
}

fn same_answer(ours: &Answer, theirs: Result<(), tollgate::Denied>, now: Nanos) {
    assert_eq!(ours.at(), now);
    match (ours.result(), theirs) {
        (Ok(()), Ok(())) => {}
        (Err(ours), Err(theirs)) => {
            assert_eq!(ours.retry_at(), theirs.retry_at().map(later));
            assert_eq!((ours.at(), ours.burst(), ours.cause()), (now, theirs.burst(), theirs.cause()));
            assert_eq!(ours.quota(), theirs.quota());
        }
        (ours, theirs) => panic!("{ours:?} instead of {theirs:?}"),
    }
}

/// A policy whose windows are whole microseconds, so that both sides are exact.
fn policy(rng: &mut Rng) -> Policy {
    loop {
        let quotas: Vec<Quota> = (0..rng.usize(1..=3))
            .map(|_| {
                let window = match rng.u8(0..3) {
                    0 => rng.u64(1..=50) * 1_000,
                    1 => rng.u64(1..=100_000) * 1_000_000,
                    _ => rng.u64(1_000..=5_000_000_000) * 1_000,
                };
                Quota::new(rng.u32(1..=30), std::time::Duration::from_nanos(window))
            })
            .collect();
        let guard = std::time::Duration::from_micros(if rng.bool() { 0 } else { rng.u64(0..1_000) });
        if let Ok(policy) = Policy::new(&quotas).and_then(|policy| policy.with_guard(guard)) {
            return policy;
        }
    }
}

/// The next instant: again, a little later, a window later, on a boundary, or back.
fn next(rng: &mut Rng, now: u64, policy: &Policy, told: &[u64]) -> u64 {
    let quota = policy.quotas()[rng.usize(..policy.quotas().len())];
    let window = u64::try_from((quota.window() + policy.guard()).as_nanos()).unwrap();
    let moved = match rng.u8(0..10) {
        0..=2 => now,
        3..=5 => now + rng.u64(0..=window / u64::from(quota.limit()) * 2),
        6 => now + rng.u64(0..=window),
        // Where somebody was told to come back, or just before.
        7 | 8 => match told.last() {
            Some(&instant) => instant.saturating_sub(rng.u64(0..=1) * MICRO),
            None => now + window,
        },
        _ => now.saturating_sub(rng.u64(0..=window)),
    };
    moved / MICRO * MICRO
}

fn amount(rng: &mut Rng, burst: u32) -> u32 {
    match rng.u8(0..8) {
        0 => 0,
        1 => burst + rng.u32(0..=1),
        2 => rng.u32(1..=burst),
        _ => 1,
    }
}

/// Runs histories of random policies and calls against `inside` and its script.
async fn compare<A: Algorithm>(
    store: &impl Store,
    count: u64,
    seed: u64,
    build: impl Fn(&mut Rng, Policy) -> Option<(A, Rule)>,
) {
    let (mut decisions, mut refused) = (0, 0);
    for history in 0..count {
        let mut rng = Rng::with_seed(seed + history);
        let policy = policy(&mut rng);
        let Some((inside, rule)) = build(&mut rng, policy) else { continue };
        let key = key();
        let mut told = Vec::new();
        // Of this process, a limiter's time begins near 0; of the servers, in 1970.
        let mut now = rng.u64(0..10_000_000_000) * MICRO;
        for _ in 0..40 {
            now = next(&mut rng, now, &policy, &told);
            let (n, at) = (amount(&mut rng, rule.burst()), Nanos::from_nanos(now));
            let context = format!("seed {}, {policy}, {n} at {at}", seed + history);
            if rng.u8(0..4) == 0 {
                let ours = peek(store, &rule, &key, n, now).await;
                same_answer(&ours, inside.peek_at(at, n), at);
            }
            let ours = take(store, &rule, &key, n, now).await;
            let theirs = inside.try_acquire_at(at, n);
            assert_eq!(ours.is_granted(), theirs.is_ok(), "{context}: {ours:?}, {theirs:?}");
            same_answer(&ours, theirs, at);
            if let Some(status) = ours.status() {
                same_status(status, &inside, at);
            } else if rng.u8(0..3) == 0 {
                let left = peek(store, &rule, &key, 0, now).await.status().unwrap();
                same_status(left, &inside, at);
            }
            if let Some(retry) = ours.result().err().and_then(|denied| denied.retry_at()) {
                told.push(retry.as_nanos());
            }
            decisions += 1;
            refused += u64::from(!ours.is_granted());
        }
    }
    assert!(refused * 20 > decisions && refused < decisions, "{refused} of {decisions}");
}

async fn compare_strict(store: &impl Store, count: u64) {
    compare(store, count, 1 << 32, |rng, policy| {
        let plan = Plan::with_burst(policy, rng.u32(1..=policy.quotas().iter().map(Quota::limit).min()?));
        let plan = plan.ok()?;
        // Where this process counts in parts of a nanosecond, the script counts in picoseconds.
        let fine = plan.interval().as_nanos() >= 10_000;
        fine.then(|| (TokenBucket::from(plan), Rule::planned(plan).unwrap()))
    })
    .await;
}

async fn compare_exact(store: &impl Store, count: u64) {
    compare(store, count, 2 << 32, |_, policy| {
        Some((SlidingLog::new(policy).ok()?, Rule::exact(policy).unwrap()))
    })
    .await;
}

#[tokio::test]
async fn the_strict_script_is_the_strict_bucket() {
    for kind in kinds() {
        let server = Server::start(kind);
        compare_strict(&connect(&server).await, histories(2_000)).await;
    }
}

#[tokio::test]
async fn the_exact_script_is_the_exact_log() {
    for kind in kinds() {
        let server = Server::start(kind);
        compare_exact(&connect(&server).await, histories(2_000)).await;
    }
}

/// Sends another script than it is asked to.
struct Broken {
    connection: MultiplexedConnection,
    from: &'static str,
    to: &'static str,
}

impl Store for Broken {
    async fn eval_sha(&self, call: &Call) -> Result<Vec<i64>, StoreError> {
        self.eval(call).await
    }

    async fn eval(&self, call: &Call) -> Result<Vec<i64>, StoreError> {
        assert_eq!(call.script().matches(self.from).count(), 1, "{}", self.from);
        let mut connection = self.connection.clone();
        let mut command = redis::cmd("EVAL");
        command.arg(call.script().replace(self.from, self.to)).arg(1).arg(call.key()).arg(call.args());
        Ok(command.query_async(&mut connection).await.unwrap())
    }
}

/// What each step of the scripts is for: without it, or with another one, the histories above find a wrong answer.
#[tokio::test]
async fn a_script_without_one_of_its_steps_is_found_out() {
    let strict = [
        ("full > owed or full == owed and part > owed_part", "full > owed"),
        ("if full < now then", "if false then"),
        ("if full < now then", "if true then"),
        ("if part >= 1000000 then", "if false then"),
        ("if ARGV[4] == '1' then", "if true then"),
        ("part + picos", "part"),
    ];
    let exact = [
        ("granted + n - 1 - ARGV[i]", "granted - ARGV[i]"),
        ("ARGV[i + 1] > now", "ARGV[i + 1] >= now"),
        ("newest = math.max(newest, now)", "newest = now"),
        ("string.rep(stamped, before)", "stamped"),
        ("if before < n then", "if false then"),
        ("or ARGV[4] ~= '1'", ""),
        ("granted + n, slots", "granted + 1, slots"),
        ("window <= now", "window < now"),
        ("math.max(granted - limit, 0)", "0"),
    ];
    let Some(kind) = kinds().pop() else { return };
    let server = Arc::new(Server::start(kind));
    for (i, (from, to)) in strict.into_iter().chain(exact).enumerate() {
        let store = Broken { connection: connection(&server.url()).await, from, to };
        let passes = tokio::spawn(async move {
            if i < strict.len() {
                compare_strict(&store, 300).await;
            } else {
                compare_exact(&store, 300).await;
            }
        });
        assert!(passes.await.is_err(), "nobody misses {from:?}, replaced by {to:?}");
    }
}

/// The bucket of a rule that nanoseconds are too coarse for, in exact fractions: a level that rises.
struct Exactly {
    /// `burst` permits in `interval.0 / interval.1` nanoseconds each, rounded up to picoseconds.
    interval: u128,
    burst: u128,
    level: u128,
    at: u128,
}

impl Exactly {
    /// Picoseconds until `n` permits are there, by a clock that shows `now` microseconds.
    fn missing(&self, now: u64, n: u32) -> u128 {
        let now = u128::from(now) * 1_000_000;
        let full = self.burst * self.interval;
        let level = (self.level + now.saturating_sub(self.at)).min(full);
        // A clock that went back has not gained what it gained since.
        let ahead = self.at.saturating_sub(now);
        (u128::from(n) * self.interval + ahead).saturating_sub(level)
    }

    fn take(&mut self, now: u64, n: u32) -> bool {
        if self.missing(now, n) > 0 {
            return false;
        }
        let instant = u128::from(now) * 1_000_000;
        let level = (self.level + instant.saturating_sub(self.at)).min(self.burst * self.interval);
        self.level = level - u128::from(n) * self.interval;
        self.at = self.at.max(instant);
        true
    }
}

#[tokio::test]
async fn intervals_are_picoseconds_where_nanoseconds_cost_rate() {
    for kind in kinds() {
        let server = Server::start(kind);
        let store = connect(&server).await;
        for (history, text) in ["700001/1s", "3333333/1s, 190000001/1m", "999/7ms"].iter().enumerate() {
            let policy: Policy = text.parse().unwrap();
            let rule = Rule::strict(policy).unwrap();
            let burst = rule.burst();
            // The rule, once more: the longest of the quotas' intervals, rounded up.
            let quotas = policy.quotas().iter();
            let needed = quotas
                .map(|it| (it.window().as_nanos() * 1_000).div_ceil(u128::from(it.limit() + 1 - burst)));
            let interval = needed.max().unwrap();
            let mut model =
                Exactly { interval, burst: burst.into(), level: u128::from(burst) * interval, at: 0 };
            let (key, mut rng, mut now, mut granted) =
                (key(), Rng::with_seed(history as u64), 1_000_000, 0_u64);
            for call in 0..400 {
                now = if rng.u8(0..10) == 0 { now - rng.u64(0..5_000) } else { now + rng.u64(0..2_000) };
                let n = if call == 0 { burst } else { rng.u32(1..=burst.min(6_000)) };
                let ours = take(&store, &rule, &key, n, now * MICRO).await;
                let missing = model.missing(now, n);
                assert_eq!(ours.is_granted(), model.take(now, n), "{text}: {n} at {now} us");
                if let Err(denied) = ours.result() {
                    let wait = u64::try_from(missing.div_ceil(1_000_000)).unwrap();
                    assert_eq!(denied.retry_at(), Some(Nanos::from_nanos((now + wait) * MICRO)));
                } else {
                    granted += 1;
                }
            }
            assert!((20..380).contains(&granted), "{text}: {granted}");
        }
    }
}

/// The most permits, the longest and the shortest intervals: each in picoseconds, with the burst.
#[tokio::test]
async fn the_largest_and_the_smallest_numbers_are_exact() {
    const SECOND_IN_PICOS: u128 = 1_000_000_000_000;
    let rules = [
        ("4294967295/1h", 1 << 31, 1_676_381),
        ("1/4503599627s", 1, 4_503_599_627 * SECOND_IN_PICOS),
        ("4294967295/4503599627s", 1 << 31, 2_097_152_000_000),
        ("1/1us", 1, 1_000_000),
        ("1/1ns", 1, 1_000),
    ];
    for kind in kinds() {
        let server = Server::start(kind);
        let store = connect(&server).await;
        for (history, (text, burst, interval)) in rules.into_iter().enumerate() {
            let rule =
                Rule::planned(Plan::with_burst(text.parse().unwrap(), burst).expect(text)).expect(text);
            let level = u128::from(burst) * interval;
            let last = (1 << 53) - 1 - u64::try_from(level.div_ceil(1_000_000)).unwrap();
            let mut model = Exactly { interval, burst: burst.into(), level, at: 0 };
            let (key, mut rng) = (key(), Rng::with_seed(history as u64));
            let (mut now, mut granted) = (1_800_000_000_000_000, 0);
            for _ in 0..100 {
                let n = rng.u32(1..=burst);
                let ours = take(&store, &rule, &key, n, now * MICRO).await;
                let missing = u64::try_from(model.missing(now, n).div_ceil(1_000_000)).unwrap();
                assert_eq!(ours.is_granted(), model.take(now, n), "{text}: {n} at {now} us");
                let retry = ours.result().err().and_then(|denied| denied.retry_at());
                let there = (missing > 0 && now + missing <= last).then_some((now + missing) * MICRO);
                assert_eq!(retry, there.map(Nanos::from_nanos), "{text}: {n} at {now} us");
                granted += u32::from(ours.is_granted());
                // What can never be granted changes nothing.
                let never = take(&store, &rule, &key, u32::MAX, now * MICRO).await.result().unwrap_err();
                assert_eq!((never.retry_at(), never.burst()), (None, burst));
                // Just before the instant that was told, at it, or a little later; but not beyond the clock's end.
                let moved = missing.saturating_sub(rng.u64(0..=1)) + rng.u64(0..3);
                now += if now + moved <= last { moved } else { 0 };
            }
            assert!(granted > 0, "{text}");
        }
    }
}

#[test]
fn what_microseconds_cannot_keep_is_refused() {
    let policy = |text: &str| text.parse::<Policy>().unwrap();
    let unrepresentable = |quota| tollgate::BuildError::Unrepresentable { quota };
    // Five in 16 ns: neither picoseconds nor the plan of this process are fine enough.
    assert_eq!(Rule::strict(policy("1/1h, 5000/16ns")).unwrap_err(), unrepresentable(1));
    // A window that is not whole microseconds is rounded up, if that costs less than 1e-4.
    assert_eq!(Rule::exact(policy("1/1s, 5/1500ns")).unwrap_err(), unrepresentable(1));
    assert!(Rule::exact(policy("5/10001001ns")).is_ok());
    let year = std::time::Duration::from_secs(365 * 86_400);
    let long = Policy::new(&[Quota::new(1, year * 145)]).unwrap();
    assert_eq!(Rule::exact(long).unwrap_err(), unrepresentable(0));
    assert_eq!(Rule::strict(long).unwrap_err(), unrepresentable(0));
    let large = policy("67108860/1d");
    assert_eq!(Rule::exact(large).unwrap_err(), tollgate::BuildError::TooLarge { limit: 67_108_860 });
    assert!(Rule::exact(policy("67108859/1d")).is_ok());
}

#[test]
fn digests_are_those_of_the_scripts() {
    for rule in [Rule::strict(Policy::MICROSOFT_365_DEFENDER), Rule::exact(Policy::MICROSOFT_365_DEFENDER)] {
        let call = rule.unwrap().take("key", 1, Time::Server);
        assert_eq!(call.sha1(), redis::Script::new(call.script()).get_hash());
    }
}

#[test]
fn a_reply_that_is_not_the_scripts_is_an_error() {
    let rules = [Rule::strict(Policy::MICROSOFT_365_DEFENDER), Rule::exact(Policy::MICROSOFT_365_DEFENDER)];
    let most = i64::MAX;
    for rule in rules.map(Result::unwrap) {
        for n in [0, 1, 26, 27, u32::MAX] {
            for reply in [
                &[][..],
                &[1],
                &[1, 0, 0],
                &[2, 0, 0, 0],
                &[1, -1, 0, 0],
                &[0, most, most, most],
                &[1, 0, 0, 0, 0, 0],
                &[1, 0, 0, most, most, 0, 0],
                &[0; 40],
            ] {
                assert!(rule.answer(n, reply).is_err(), "{n}: {reply:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_clock_that_steps_forward_refills_and_one_that_steps_back_only_tightens() {
    let second = 1_000_000_000;
    for kind in kinds() {
        let server = Server::start(kind);
        let store = connect(&server).await;
        let policy = Policy::MICROSOFT_365_DEFENDER;
        for rule in [Rule::strict(policy).unwrap(), Rule::exact(policy).unwrap()] {
            let (key, burst) = (key(), rule.burst());
            let now = 1_700_000_000 * second;
            assert!(take(&store, &rule, &key, burst, now).await.is_granted());
            assert!(!take(&store, &rule, &key, 1, now).await.is_granted());
            // Five minutes forward: as if they had passed.
            let forward = now + 300 * second;
            assert!(take(&store, &rule, &key, burst, forward).await.is_granted());
            // And back: what was granted in the future counts until then.
            for (back, since) in [(forward - second, 1), (now, 300)] {
                let denied = take(&store, &rule, &key, 1, back).await.result().unwrap_err();
                let at_the_front = take(&store, &rule, &key, 1, forward).await.result().unwrap_err();
                assert_eq!(denied.retry_at(), at_the_front.retry_at());
                assert_eq!(
                    denied.retry_after().unwrap(),
                    at_the_front.retry_after().unwrap() + std::time::Duration::from_secs(since)
                );
                assert_eq!(peek(&store, &rule, &key, 0, back).await.status().unwrap().remaining(), 0);
            }
        }
    }
}

#[tokio::test]
async fn at_the_end_of_time_the_scripts_fail_closed() {
    for kind in kinds() {
        let server = Server::start(kind);
        let store = connect(&server).await;
        let policy: Policy = "3/1s, 5/1m".parse().unwrap();
        for rule in
            [Rule::planned(Plan::with_burst(policy, 3).unwrap()).unwrap(), Rule::exact(policy).unwrap()]
        {
            let key = key();
            let mut granted = 0;
            for now in [u64::MAX / 2, u64::MAX - 1, u64::MAX, u64::MAX, u64::MAX, u64::MAX] {
                let answer = take(&store, &rule, &key, 1, now).await;
                granted += u32::from(answer.is_granted());
                if let Err(denied) = answer.result() {
                    assert_eq!(denied.retry_at(), None, "{denied:?}");
                }
            }
            // Time stands still: what was granted at its end counts for ever.
            assert_eq!(granted, 3);
        }
    }
}

#[tokio::test]
async fn a_log_that_gets_larger_limits_takes_what_it_forgot_for_late() {
    let second = 1_000_000_000;
    for kind in kinds() {
        let server = Server::start(kind);
        let store = connect(&server).await;
        let rule = |text: &str| Rule::exact(text.parse().unwrap()).unwrap();
        let (small, large) = (rule("3/10s"), rule("3/10s, 8/100s"));
        let key = key();
        // Two each ten seconds; the ring of three keeps the last three: 10, 20, 20.
        for at in [0, 10, 20] {
            assert!(take(&store, &small, &key, 2, at * second).await.is_granted());
        }
        // Six were granted, and the three forgotten ones count as if it had been at 10.
        let left = peek(&store, &large, &key, 0, 30 * second).await.status().unwrap();
        assert_eq!(left.quotas().iter().map(|it| it.remaining).collect::<Vec<_>>(), [3, 2]);
        assert!(take(&store, &large, &key, 2, 30 * second).await.is_granted());
        let denied = take(&store, &large, &key, 1, 40 * second).await.result().unwrap_err();
        assert_eq!((denied.quota(), denied.retry_at()), (1, Some(Nanos::from_secs(110))));
        let left = peek(&store, &large, &key, 0, 110 * second).await.status().unwrap();
        assert_eq!(left.quotas().iter().map(|it| it.remaining).collect::<Vec<_>>(), [3, 4]);
        // The larger ring goes on to serve the smaller rule.
        assert!(take(&store, &small, &key, 3, 110 * second).await.is_granted());
        assert!(!take(&store, &small, &key, 1, 119 * second).await.is_granted());
        assert!(take(&store, &large, &key, 1, 120 * second).await.is_granted());
        assert!(take(&store, &large, &key, 2, 121 * second).await.is_granted());
        let denied = take(&store, &large, &key, 1, 129 * second).await.result().unwrap_err();
        assert_eq!((denied.quota(), denied.retry_at()), (0, Some(Nanos::from_secs(130))));
    }
}

#[tokio::test]
async fn rules_that_change_with_each_call_are_all_kept() {
    for kind in kinds() {
        let server = Server::start(kind);
        let store = connect(&server).await;
        let mut exactly = 0;
        for history in 0..histories(2_000) / 10 {
            let mut rng = Rng::with_seed((3 << 32) + history);
            let policies: Vec<Policy> = (0..3).map(|_| policy(&mut rng)).collect();
            let rules: Vec<Rule> = policies.iter().map(|policy| Rule::exact(*policy).unwrap()).collect();
            let (key, mut now, mut stamps) = (key(), rng.u64(0..1_000_000) * MICRO, Vec::new());
            for _ in 0..60 {
                let (policy, rule) =
                    (&policies[usize::try_from(history % 3).unwrap()], &rules[rng.usize(..3)]);
                now = next(&mut rng, now, policy, &[]);
                let n = rng.u32(1..=rule.burst());
                let granted = take(&store, rule, &key, n, now).await.is_granted();
                // Every permit ever granted, at the instant that was written down.
                let fits = rule.policy().quotas().iter().all(|quota| {
                    let window = u64::try_from((quota.window() + rule.policy().guard()).as_nanos()).unwrap();
                    let counted = stamps.iter().filter(|&&stamp| now < stamp || now - stamp < window).count();
                    counted + n as usize <= quota.limit() as usize
                });
                assert!(fits || !granted, "seed {history}: {n} at {now}");
                exactly += u64::from(fits == granted);
                if granted {
                    let stamp = stamps.last().map_or(now, |newest: &u64| now.max(*newest));
                    stamps.extend((0..n).map(|_| stamp));
                }
            }
        }
        // What a ring has forgotten is all that it may refuse too much.
        assert!(exactly * 100 >= histories(2_000) / 10 * 60 * 90, "{exactly}");
    }
}
