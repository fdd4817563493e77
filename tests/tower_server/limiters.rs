//! Each limiter as a layer asks it.

use std::future::Future;
use std::hash::RandomState;
use std::net::IpAddr;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use axum::Router;
use axum::extract::MatchedPath;
use axum::routing::get;
use http::HeaderMap;
use tollgate::keyed::{KeyedLimiter, KeyedRule, KeyedTable};
use tollgate::tower::server::{Answer, Limiter, PerKey, Plans, RateLimitLayer, extension};
use tollgate::wait::FairLimiter;
use tollgate::{BuildError, Clock, Manual, Plan, Policy, RateLimiter, Rule, SlidingLog, Status, TokenBucket};

use crate::support::{Server, exact};

fn ask<K, L: Limiter<K>>(limiter: &L, key: Option<&K>, cost: u32) -> Answer {
    limiter.decide_now(key, cost).expect("an answer of this process is there at once")
}

/// The same by its future.
fn ask_later<K, L: Limiter<K>>(limiter: &L, key: Option<&K>, cost: u32) -> Answer {
    match pin!(limiter.decide(key, cost)).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("an answer of this process is there at once"),
    }
}

#[test]
fn the_future_says_the_same() {
    let (limiter, _) = exact("1/10s");
    let queue = FairLimiter::blocking(limiter.clone());
    assert!(is_granted(ask_later(&limiter, None, 1)));
    assert_eq!(ask_later(&limiter, None, 1), ask(&limiter, None, 1));
    assert_eq!(ask_later(&queue, None, 1), ask(&queue, None, 1));

    let (limiter, _) = table("1/10s", 64);
    assert!(is_granted(ask_later(&limiter, Some(&7), 1)));
    assert_eq!(ask_later(&limiter, Some(&7), 1), ask(&limiter, Some(&7), 1));

    let (plans, account) = (plans().0, Caller::Account(1));
    assert!(is_granted(ask_later(&plans, Some(&account), 26)));
    assert_eq!(ask_later(&plans, Some(&account), 1), ask(&plans, Some(&account), 1));

    let (partners, pro) = (partners(1).0, "pro".to_owned());
    assert!(is_granted(ask_later(&partners, Some(&pro), 3)));
    assert_eq!(ask_later(&partners, Some(&pro), 1), ask(&partners, Some(&pro), 1));
    assert_eq!(ask_later(&partners, Some(&"newcomer".to_owned()), 1), Answer::NONE);
    assert!(is_granted(ask_later(&partners, None, 1)));
}

#[test]
fn fifty_a_minute_is_fifty_at_once_for_each_exact_key() {
    let rule = Rule::counted(Policy::MICROSOFT_365_DEFENDER).unwrap();
    let callers = KeyedRule::<&str, _, _>::new(rule, 2, RandomState::new(), Manual::new());
    assert_eq!(Limiter::<&str>::fields(&callers).len(), 1);
    for key in [Some(&"anna"), Some(&"berta"), None] {
        for left in (0..50).rev() {
            let answer = ask(&callers, key, 1);
            assert!(is_granted(answer));
            assert_eq!(answer.status().unwrap().remaining(), left);
        }
        let refused = ask(&callers, key, 1);
        assert_eq!(refused.result().unwrap().unwrap_err().retry_after_secs(), Some(81));
        assert_eq!(refused.status().unwrap().remaining(), 0);
        assert_eq!(ask_later(&callers, key, 1), refused);
    }
    // There is no place for a third key. Those without one have a state of their own.
    assert_eq!(ask(&callers, Some(&"carla"), 1), Answer::NONE);
    assert_eq!(callers.len(), 2);
    assert_ne!(Limiter::<&str>::identity(&callers), 0);
    assert_eq!(Limiter::<&str>::identity(&callers), Limiter::<&str>::identity(&callers.clone()));
}

/// The answer to a grant has no status, and all else is what `decide_now` says.
fn agree<K, L: Limiter<K>>(limiters: [&L; 2], key: Option<&K>, costs: &[u32]) {
    let mut granted = 0;
    for &cost in costs {
        let full = ask(limiters[0], key, cost);
        let short = limiters[1].decide_without_status(key, cost).expect("an answer at once");
        granted += usize::from(is_granted(full));
        let expected = if is_granted(full) { None } else { full.status() };
        assert_eq!((short.result(), short.policy()), (full.result(), full.policy()), "{cost}");
        assert_eq!(short.status(), expected, "{cost}");
    }
    assert!(granted > 0 && granted < costs.len(), "one-sided");
}

#[test]
fn without_a_status_the_decision_is_the_same() {
    let (one, other) = (exact("2/10s").0, exact("2/10s").0);
    agree([&one, &other], None, &[0, 1, 3, 1, 1, 0]);
    let (one, other) = (exact("2/10s").0, exact("2/10s").0);
    agree([&FairLimiter::blocking(one), &FairLimiter::blocking(other)], None, &[0, 1, 3, 1, 1, 0]);
    let (one, other) = (table("50/1m", 64).0, table("50/1m", 64).0);
    agree([&one, &other], Some(&7), &[0, 1, 51, 20, 1, 20, 0]);
    agree([&one, &other], None::<&u8>, &[25, 25, 1]);
    let (one, other) = (plans().0, plans().0);
    for caller in [Caller::Account(1), Caller::Address([192, 0, 2, 1].into())] {
        agree([&one, &other], Some(&caller), &[0, 1, 51, 4, 20, 20, 0]);
    }
    let (one, other) = (partners(1).0, partners(1).0);
    agree([&one, &other], Some(&"pro".to_owned()), &[0, 1, 51, 2, 1, 0]);
    assert_eq!(one.decide_without_status(Some(&"newcomer".to_owned()), 1), Some(Answer::NONE));
}

/// As a second look would, if nobody came between.
#[test]
fn a_table_tells_what_its_decision_left() {
    let (limiter, clock) = table("50/1m, 1500/1h", 8);
    let mut counts = [0, 0];
    // More keys than slots, so that newcomers inherit debts.
    for call in 0..2_000_u32 {
        clock.advance(Duration::from_millis(u64::from(call % 7) * 40));
        let (key, cost) = (call * call % 13, call % 4 * 9);
        let answer = ask(&limiter, Some(&key), cost);
        counts[usize::from(is_granted(answer))] += 1;
        assert_eq!(answer.status(), Some(&limiter.status(&key)), "call {call}");
    }
    assert!(counts.iter().all(|&count| count > 200), "{counts:?}");
}

fn is_granted(answer: Answer) -> bool {
    answer.result().expect("an answer").is_ok()
}

fn table(policy: &str, slots: usize) -> (KeyedLimiter<RandomState, Manual>, Manual) {
    let clock = Manual::new();
    let plan = Plan::new(policy.parse().unwrap()).unwrap();
    let table = KeyedTable::new(plan, slots).unwrap();
    (KeyedLimiter::new(table, RandomState::new(), clock.clone()), clock)
}

#[test]
fn a_decision_and_its_status_are_of_one_instant() {
    let (limiter, clock) = exact("2/10s");
    clock.advance(Duration::from_secs(3));
    for left in [1, 0, 0] {
        let answer = ask(&limiter, None, 1);
        let status = answer.status().expect("a status");
        assert_eq!((status.at(), status.remaining()), (limiter.clock().now(), left));
    }
    // Both come out of a pause together.
    clock.advance(Duration::from_secs(10));
    limiter.pause_for(Duration::from_secs(4));
    let answer = ask(&limiter, None, 1);
    let (denied, status) = (answer.result().unwrap().unwrap_err(), *answer.status().unwrap());
    assert_eq!((denied.retry_at(), status.remaining()), (Some(status.next_at()), 0));
}

/// A clock that goes on by a second with each reading.
#[derive(Clone, Debug)]
struct Hasty(Manual);

impl Clock for Hasty {
    fn now(&self) -> tollgate::Nanos {
        self.0.advance(Duration::from_secs(1));
        self.0.now()
    }
}

#[test]
fn the_clock_is_read_once() {
    let clock = Manual::new();
    let limiter = RateLimiter::new(SlidingLog::new("1/1s".parse().unwrap()).unwrap(), Hasty(clock.clone()));
    assert!(is_granted(ask(&limiter, None, 1)));
    assert_eq!(clock.now(), tollgate::Nanos::from_secs(1));

    let keyed = KeyedTable::new(Plan::new("1/1s".parse().unwrap()).unwrap(), 8).unwrap();
    let keyed = KeyedLimiter::new(keyed, RandomState::new(), Hasty(clock.clone()));
    assert_eq!(ask(&keyed, Some(&1), 1).status().map(Status::at), Some(clock.now()));
    assert_eq!(clock.now(), tollgate::Nanos::from_secs(2));
}

#[test]
fn an_erased_limiter_and_a_queue() {
    let (limiter, _) = exact("2/10s");
    let erased = limiter.erased();
    let queue = FairLimiter::blocking(limiter.clone());
    assert_eq!(erased.identity(), limiter.identity());
    assert_eq!(queue.identity(), limiter.identity());
    assert_ne!(exact("2/10s").0.identity(), limiter.identity());
    assert!(is_granted(ask(&erased, None, 1)));
    let answer = ask(&queue, None, 1);
    assert_eq!((is_granted(answer), answer.status().unwrap().remaining()), (true, 0));
    let answer = ask(&queue, None, 1);
    assert_eq!(answer.result().unwrap().unwrap_err().retry_after(), Some(Duration::from_secs(10)));
    assert_eq!(answer.status().unwrap().remaining(), 0);
}

#[test]
fn the_keys_of_a_table_are_those_of_the_limiter() {
    let (limiter, _) = table("1/10s", 1024);
    assert!(is_granted(ask(&limiter, Some(&"alice"), 1)));
    assert!(limiter.try_acquire("alice").is_err());
    assert!(is_granted(ask(&limiter, Some(&"bob"), 1)));
    // Those without a key share one bucket, which is nobody's.
    assert!(is_granted(ask::<&str, _>(&limiter, None, 1)));
    assert!(!is_granted(ask::<&str, _>(&limiter, None, 1)));
    assert!(!is_granted(ask::<u64, _>(&limiter, None, 1)));
    for key in ["", "tollgate: a caller without a key", "None"] {
        assert!(is_granted(ask(&limiter, Some(&key), 1)), "{key}");
    }
    assert!(is_granted(ask(&limiter, Some(&b"tollgate: a caller without a key"), 1)));
    assert!(is_granted(ask(&limiter, Some(&None::<u8>), 1)));
}

#[derive(Hash)]
enum Caller {
    Account(usize),
    Address(IpAddr),
}

/// free: 5 at once. pro: 26 at once.
const PLANS: [&str; 2] = ["10/1m, 200/1h", "50/1m, 1500/1h"];

fn plans() -> (Plans<Caller, RandomState, Manual>, Manual) {
    let (limiter, clock) = table(PLANS[1], 1024);
    let policies: Vec<Policy> = PLANS.map(|policy| policy.parse().unwrap()).into();
    let plans = Plans::new(limiter, &policies, |caller| match caller {
        Caller::Account(number) => *number,
        Caller::Address(_) => 0,
    });
    (plans.unwrap(), clock)
}

#[test]
fn plans_live_in_one_table() {
    let (plans, clock) = plans();
    let address = Caller::Address([192, 0, 2, 1].into());
    let granted =
        |caller: Option<&Caller>| (0..100).take_while(|_| is_granted(ask(&plans, caller, 1))).count();
    assert_eq!(granted(Some(&address)), 5);
    assert_eq!(granted(Some(&Caller::Account(1))), 26);
    // Callers without a key have the first plan, and so has an index past the last.
    assert_eq!(granted(None), 5);
    assert_eq!(granted(Some(&Caller::Account(2))), 5);
    assert_eq!(granted(Some(&Caller::Account(usize::MAX))), 5);

    let answer = ask(&plans, Some(&Caller::Account(1)), 1);
    let (denied, status) = (answer.result().unwrap().unwrap_err(), answer.status().unwrap());
    assert_eq!((answer.policy(), denied.burst(), status.remaining()), (1, 26, 0));
    assert_eq!(Some(status.next_at()), denied.retry_at());
    assert_eq!(ask(&plans, Some(&address), 1).policy(), 0);
    clock.advance(denied.retry_after().unwrap());
    assert!(is_granted(ask(&plans, Some(&Caller::Account(1)), 1)));
    assert_eq!(plans.identity(), Limiter::<Caller>::identity(plans.limiter()));
}

#[test]
fn each_plan_has_fields_of_its_own() {
    let (plans, _) = plans();
    let written = |caller: Option<&Caller>| {
        let answer = ask(&plans, caller, 1);
        let mut headers = HeaderMap::new();
        plans.fields()[answer.policy()].write(&mut headers, answer.status().unwrap());
        ["ratelimit-policy", "ratelimit"].map(|name| headers[name].to_str().unwrap().to_owned())
    };
    assert_eq!(
        written(None),
        ["\"10/1m\";q=10;w=60, \"200/1h\";q=200;w=3600, \"pace\";q=5;w=92", "\"pace\";r=4;t=74"]
    );
    assert_eq!(
        written(Some(&Caller::Account(1))),
        ["\"50/1m\";q=50;w=60, \"1500/1h\";q=1500;w=3600, \"pace\";q=26;w=64", "\"pace\";r=25;t=62"]
    );
}

#[test]
fn without_plans_the_table_decides() {
    let (limiter, _) = table("1/10s", 64);
    let plans = Plans::new(limiter, &[], |_: &u8| 3).unwrap();
    assert_eq!(plans.fields().len(), 1);
    assert!(is_granted(ask(&plans, Some(&7), 1)));
    assert!(!is_granted(ask(&plans, Some(&7), 1)));
}

#[test]
fn a_plan_that_is_too_fast_for_the_table_is_an_error() {
    let (limiter, _) = table("1/10s", 64);
    let fast: Policy = "1000000/1s".parse().unwrap();
    assert!(Plans::new(limiter, &[fast], |_: &u8| 0).is_err());
}

fn partners(capacity: usize) -> (PerKey<String, RateLimiter<SlidingLog, Manual>>, Manual) {
    let clock = Manual::new();
    let of = clock.clone();
    let make =
        move |policy: Policy| Ok::<_, BuildError>(RateLimiter::new(SlidingLog::new(policy)?, of.clone()));
    let policies: [Policy; 2] = ["2/10s".parse().unwrap(), "3/10s, 5/1h".parse().unwrap()];
    let partners = PerKey::new(capacity, make, &policies, |name: &String| usize::from(name.starts_with('p')));
    (partners.unwrap(), clock)
}

#[test]
fn each_partner_has_an_exact_log() {
    let (partners, clock) = partners(10);
    let granted = |name: Option<&str>| {
        let name = name.map(str::to_owned);
        (0..100).take_while(|_| is_granted(ask(&partners, name.as_ref(), 1))).count()
    };
    assert_eq!(
        [granted(Some("alice")), granted(Some("bob")), granted(Some("pro")), granted(None)],
        [2, 2, 3, 2]
    );
    clock.advance(Duration::from_secs(10));
    assert_eq!([granted(Some("alice")), granted(Some("pro")), granted(None)], [2, 2, 2]);
    let answer = ask(&partners, Some(&"pro".to_owned()), 1);
    let denied = answer.result().unwrap().unwrap_err();
    assert_eq!((answer.policy(), denied.quota(), denied.retry_after_secs()), (1, 1, Some(3590)));
    assert_eq!(partners.fields().len(), 2);
}

#[test]
fn a_full_map_gives_no_answer_to_newcomers() {
    let (partners, clock) = partners(1);
    let (alice, bob) = ("alice".to_owned(), "bob".to_owned());
    assert!(is_granted(ask(&partners, Some(&alice), 1)));
    assert_eq!(ask(&partners, Some(&bob), 1), Answer::NONE);
    assert!(is_granted(ask(&partners, Some(&alice), 1)));
    assert!(is_granted(ask(&partners, None, 1)));
    clock.advance(Duration::from_secs(10));
    assert!(is_granted(ask(&partners, Some(&bob), 1)));
}

#[test]
fn partners_without_a_policy_are_an_error() {
    let error = PerKey::new(1, RateLimiter::exact, &[], |_: &u8| 0).unwrap_err();
    assert_eq!(error, tollgate::Error::Policy(tollgate::PolicyError::Empty));
    let huge: Policy = "4294967295/1s".parse().unwrap();
    let error = PerKey::new(1, RateLimiter::exact, &["1/1s".parse().unwrap(), huge], |_: &u8| 0).unwrap_err();
    assert!(matches!(error, tollgate::Error::Build(_)), "{error}");
}

#[test]
fn a_limit_for_each_route() {
    let (limiter, _) = table("1/10s", 1024);
    let layer = RateLimitLayer::keyed(limiter, extension(|path: &MatchedPath| path.as_str().to_owned()));
    let app =
        Router::new().route("/users/{id}", get(|| async {})).route("/items", get(|| async {})).layer(layer);
    let server = Server::start(app);
    let status = |path| server.send("GET", path, &[]).status();
    assert_eq!(
        [status("/users/1"), status("/users/2"), status("/items"), status("/items")],
        [200, 429, 200, 429]
    );
}

#[test]
fn a_bucket_is_a_limiter_too() {
    let bucket = TokenBucket::nominal("2/10s".parse().unwrap()).unwrap();
    let limiter = RateLimiter::new(bucket, Manual::new());
    assert_eq!([1, 1, 1].map(|cost| is_granted(ask(&limiter, None, cost))), [true, true, false]);
    assert!(is_granted(ask(&limiter, None, 0)));
}
