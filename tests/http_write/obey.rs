//! A client that knows nothing but the fields is never refused, and hardly ever waits too long.

use std::cell::RefCell;
use std::time::Duration;

use http::{HeaderMap, StatusCode};
use proptest::prelude::*;
use tollgate::http::{Feedback, Fields, Heed};
use tollgate::keyed::KeyedTable;
use tollgate::{Algorithm, Denied, Manual, Nanos, Plan, Policy, RateLimiter, Status, TokenBucket};

use crate::parsed::{self, Limit};
use crate::random::{any_policy, coarse_pairs};
use crate::subjects::all;

/// What the client sees of the server.
trait Server {
    fn call(&self, n: u32) -> Result<(), Denied>;
    fn status(&self) -> Status;
    fn advance(&self, by: Duration);
}

/// A limiter with a clock, and perhaps a pause.
impl<A: Algorithm + ?Sized> Server for (RateLimiter<A, Manual>, Manual) {
    fn call(&self, n: u32) -> Result<(), Denied> {
        self.0.try_acquire_n(n)
    }

    fn status(&self) -> Status {
        self.0.status()
    }

    fn advance(&self, by: Duration) {
        self.1.advance(by);
    }
}

/// A key of a table.
struct Key {
    table: KeyedTable,
    now: RefCell<Nanos>,
}

impl Server for Key {
    fn call(&self, n: u32) -> Result<(), Denied> {
        self.table.try_acquire_at(*self.now.borrow(), 7, n)
    }

    fn status(&self) -> Status {
        self.table.status_at(*self.now.borrow(), 7)
    }

    fn advance(&self, by: Duration) {
        let later = self.now.borrow().saturating_add(by);
        self.now.replace(later);
    }
}

/// What the client does next, once it may send: how many permits of those that are offered, in 256ths, and after how long an
/// idle time, in nanoseconds.
type Step = (u32, u64);

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let idle =
        prop_oneof![5 => Just(0), 2 => 0_u64..2_000_000_000, 1 => (0_u32..40).prop_map(|bits| 1 << bits)];
    prop::collection::vec((0_u32..=256, idle), 1..40)
}

fn policies() -> impl Strategy<Value = Policy> {
    prop_oneof![4 => any_policy(), 1 => coarse_pairs()]
}

fn items(fields: &Fields, server: &impl Server) -> Vec<Limit> {
    let mut headers = HeaderMap::new();
    fields.write(&mut headers, &server.status());
    parsed::limits(&headers["ratelimit"])
}

fn seconds(items: &[Limit]) -> Option<u64> {
    items.iter().filter(|item| item.r == 0).map(|item| item.t).max()
}

/// Whoever has no `r` of 0 sends, whoever has one waits for the longest `t` of these.
fn obey(what: &str, fields: &Fields, server: &impl Server, steps: &[Step]) {
    for &(share, idle) in steps {
        if let Some(wait) = seconds(&items(fields, server)) {
            let status = server.status();
            let must = status.next_at().saturating_duration_since(status.at());
            assert!(
                must > Duration::from_secs(wait - 1),
                "{what}: {wait} seconds, where {must:?} were enough"
            );
            if status.next_at() == Nanos::MAX {
                return; // The end of time.
            }
            server.advance(Duration::from_secs(wait));
            let now = items(fields, server);
            assert!(now.iter().all(|item| item.r > 0), "{what}: {now:?} after {wait} seconds");
        }
        server.advance(Duration::from_nanos(idle));
        let offered = items(fields, server).iter().map(|item| item.r).min().unwrap();
        let n = u32::try_from((offered * u64::from(share)).div_ceil(256).max(1)).unwrap();
        if let Err(denied) = server.call(n) {
            panic!("{what}: {n} of {offered} that were offered are refused: {denied}");
        }
    }
}

/// Whoever has spent `r` waits for `t`, and so many ten-thousandths of it more, and spends `r` again, as often as he likes, and
/// reads no other answer.
fn repeat(what: &str, fields: &Fields, server: &impl Server, more: u32) {
    let [Limit { r, t, .. }] = &items(fields, server)[..] else { panic!("one item") };
    if *r == 0 {
        return;
    }
    for round in 0..4 {
        let permits = u32::try_from(*r).unwrap();
        if let Err(denied) = server.call(permits) {
            panic!("{what}: {r} in each {t} seconds, refused in round {round}: {denied}");
        }
        let wait = Duration::from_secs(*t);
        server.advance(wait + wait / 10_000 * more);
    }
}

fn start(algorithm: impl Algorithm + 'static) -> (RateLimiter<dyn Algorithm, Manual>, Manual) {
    let clock = Manual::new();
    clock.set(Nanos::from_secs(1_000_000));
    (RateLimiter::new(algorithm, clock.clone()).erased(), clock)
}

proptest! {
    #[test]
    fn who_obeys_is_never_refused(policy in policies(), steps in steps(), pause in prop::option::of(0_u64..200)) {
        for (kind, algorithm) in all(policy) {
            let algorithm: Box<dyn Algorithm> = algorithm;
            let fields = Fields::of(&*algorithm);
            let server = start(algorithm);
            let half = steps.len() / 2;
            obey(&format!("{kind:?}"), &fields, &server, &steps[..half]);
            if let Some(seconds) = pause {
                server.0.pause_for(Duration::from_millis(seconds * 100));
            }
            obey(&format!("{kind:?} after a pause of {pause:?}"), &fields, &server, &steps[half..]);
        }
    }

    #[test]
    fn who_obeys_is_never_refused_by_a_table(policy in policies(), steps in steps()) {
        let Ok(table) = Plan::new(policy).map_err(drop).and_then(|plan| KeyedTable::new(plan, 8).map_err(drop)) else {
            return Ok(());
        };
        let fields = Fields::of_table(&table);
        obey("table", &fields, &Key { table, now: RefCell::new(Nanos::from_secs(1_000_000)) }, &steps);
    }

    /// A table counts time in larger steps, and rounds up.
    #[test]
    fn a_pace_may_be_repeated_in_a_table_too(policy in policies(), burst in any::<u32>(), steps in steps()) {
        let least = policy.quotas().iter().map(tollgate::Quota::limit).min().unwrap();
        let Ok(plan) = Plan::with_burst(policy, burst % least + 1) else { return Ok(()) };
        let Ok(table) = KeyedTable::new(plan, 8) else { return Ok(()) };
        let fields = Fields::of_table(&table);
        let server = Key { table, now: RefCell::new(Nanos::from_secs(1_000_000)) };
        obey("table", &fields, &server, &steps);
        repeat("table", &fields, &server, 2);
    }

    /// What a server behind this one says lowers the limiter, in the middle.
    #[test]
    fn who_obeys_a_limiter_that_was_lowered_is_never_refused(
        policy in policies(),
        steps in steps(),
        left in 0_u32..6,
    ) {
        let mut headers = HeaderMap::new();
        headers.insert("x-ratelimit-remaining", left.into());
        let said = Feedback::read(StatusCode::OK, &headers);
        for (kind, algorithm) in all(policy) {
            let algorithm: Box<dyn Algorithm> = algorithm;
            let fields = Fields::of(&*algorithm);
            let server = start(algorithm);
            let half = steps.len() / 2;
            obey(&format!("{kind:?}"), &fields, &server, &steps[..half]);
            said.heed(&server.0, &Heed::new().with_longest_pause(Duration::MAX));
            assert!(server.status().remaining() <= left);
            obey(&format!("{kind:?} lowered to {left}"), &fields, &server, &steps[half..]);
        }
    }

    #[test]
    fn a_pace_may_be_repeated(policy in policies(), burst in any::<u32>(), steps in steps(), pause in prop::option::of(0_u64..200)) {
        let least = policy.quotas().iter().map(tollgate::Quota::limit).min().unwrap();
        let Ok(bucket) = TokenBucket::with_burst(policy, burst % least + 1) else { return Ok(()) };
        let fields = Fields::of(&bucket);
        let server = start(bucket);
        obey("bucket", &fields, &server, &steps);
        repeat("bucket", &fields, &server, 0);
        if let Some(seconds) = pause {
            server.0.pause_for(Duration::from_millis(seconds * 100));
            obey("bucket after a pause", &fields, &server, &steps[..1]);
            repeat("bucket after a pause", &fields, &server, 0);
        }
    }
}

/// The same for the rule itself, over two hours: how much a client that obeys gets.
#[test]
fn who_obeys_gets_what_the_rule_allows() {
    for (kind, algorithm) in all(Policy::MICROSOFT_365_DEFENDER) {
        let algorithm: Box<dyn Algorithm> = algorithm;
        let fields = Fields::of(&*algorithm);
        let server = start(algorithm);
        let (begin, mut sent) = (server.1.clone(), 0_u32);
        let end = tollgate::Clock::now(&begin).saturating_add(Duration::from_secs(7200));
        while tollgate::Clock::now(&begin) < end {
            if let Some(wait) = seconds(&items(&fields, &server)) {
                server.advance(Duration::from_secs(wait));
            } else {
                server.call(1).unwrap_or_else(|denied| panic!("{kind:?}: {denied}"));
                sent += 1;
            }
        }
        println!("{kind:?}: {sent}");
        assert!(sent >= 2400, "{kind:?}: {sent} in two hours");
    }
}
