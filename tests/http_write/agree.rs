//! The fields of one refusal agree with each other, and with the limiter, whatever happened before and meanwhile.

use http::HeaderMap;
use proptest::prelude::*;
use tollgate::http::{Family, Fields};
use tollgate::keyed::KeyedTable;
use tollgate::{Algorithm, Denied, Nanos, Plan, Policy, Status};

use crate::parsed::{self, Limit};
use crate::random::{any_policy, coarse_pairs};
use crate::subjects::{Kind, all};

const SECOND: u64 = 1_000_000_000;

/// So many 65536ths of the shortest window.
fn part(policy: &Policy, part: u32) -> u64 {
    let shortest = policy.quotas().iter().map(|quota| quota.window().as_nanos()).min().unwrap();
    u64::try_from((shortest * u128::from(part)) >> 16).unwrap()
}

fn later(now: Nanos, nanos: u64) -> Nanos {
    Nanos::from_nanos(now.as_nanos().saturating_add(nanos))
}

/// What does not depend on when the status was read. `n` was refused at `now`.
fn check(fields: &Fields, limiter: &dyn Algorithm, now: Nanos, n: u32, status_at: Nanos) -> Option<u64> {
    let denied = limiter.peek_at(now, n).err()?;
    let status = limiter.status_at(status_at);
    let refusal = fields.refusal(&denied, &status, n);
    let mut headers = HeaderMap::new();
    refusal.write(&mut headers);
    let items = parsed::limits(&headers["ratelimit"]);
    assert!(items.iter().all(|item| item.t >= 1), "{items:?}");
    let told = headers.get("retry-after").map(|value| value.to_str().unwrap().parse::<u64>().unwrap());
    if n > denied.burst() {
        assert_eq!((refusal.status_code().as_u16(), told), (400, None));
        return None;
    }
    assert_eq!(refusal.status_code(), 429);
    let named: Vec<&str> = refusal.violated().collect();
    assert!(!named.is_empty());
    let least = items.iter().map(|item| item.r).min().unwrap();
    assert!(least < n.into(), "{n} are refused and {items:?} offered");
    for Limit { name, r, t, .. } in &items {
        assert_eq!(*r < n.into(), named.contains(&&**name), "{items:?}, {named:?} violated");
        assert!(*r >= n.into() || told.is_none_or(|told| *t <= told), "{items:?} beside {told:?}");
    }
    // The families that tell one policy tell one that refuses, until the retry.
    let fields = fields.clone().family(Family::Draft7).and(Family::XRateLimit);
    fields.refusal(&denied, &status, n).write(&mut headers);
    let (limit, remaining, reset) = parsed::limit_7(&headers["ratelimit"]);
    assert_eq!(headers["x-ratelimit-limit"], limit.to_string());
    assert_eq!(headers["x-ratelimit-remaining"], remaining.to_string());
    // A longer time could be taken for an instant.
    assert_eq!(headers["x-ratelimit-reset"], reset.min(999_999_999).to_string());
    assert!(remaining < n.into());
    assert!(told.is_none_or(|told| reset == told), "{reset} beside {told:?}");
    told
}

/// One key of a table that is too small: eight others call before each of its calls, and one of the nine has no slot.
#[derive(Debug)]
struct Key(KeyedTable);

impl Key {
    fn new(policy: &Policy) -> Option<Key> {
        Some(Key(KeyedTable::new(Plan::new(*policy).ok()?, 8).ok()?))
    }
}

impl Algorithm for Key {
    fn policy(&self) -> &Policy {
        self.0.policy()
    }

    fn try_acquire_at(&self, now: Nanos, n: u32) -> Result<(), Denied> {
        for other in 2..=9 {
            let _ = self.0.try_acquire_at(now, other, n.min(2));
        }
        self.0.try_acquire_at(now, 1, n)
    }

    fn peek_at(&self, now: Nanos, n: u32) -> Result<(), Denied> {
        self.0.peek_at(now, 1, n)
    }

    fn status_at(&self, now: Nanos) -> Status {
        self.0.status_at(now, 1)
    }
}

/// `shares` are sizes of calls in 256ths of the burst, with the time before each.
fn play(
    policy: &Policy,
    kinds: &[Kind],
    shares: &[(u32, u32)],
    n: u32,
    gap: u32,
    meanwhile: Option<(u32, u32)>,
) {
    let table = Key::new(policy).map(|key| ("table".to_owned(), Box::new(key) as Box<dyn Algorithm>));
    let kinds = all(*policy).filter(|(kind, _)| kinds.contains(kind));
    let kinds = kinds.map(|(kind, limiter)| (format!("{kind:?}"), limiter as Box<dyn Algorithm>));
    for (kind, limiter) in kinds.chain(table) {
        let limiter: &dyn Algorithm = &*limiter;
        let fields = Fields::of(limiter);
        let burst =
            limiter.peek_at(Nanos::ZERO, u32::MAX).map_or_else(|denied| denied.burst(), |()| u32::MAX);
        let size =
            |share: u32| u32::try_from((u64::from(burst) * u64::from(share)).div_ceil(256)).unwrap().max(1);
        let mut now = Nanos::from_secs(1_000_000);
        for &(share, before) in shares {
            now = later(now, part(policy, before));
            let _ = limiter.try_acquire_at(now, size(share));
        }
        now = later(now, part(policy, gap));
        let n = if n == 257 { burst.saturating_add(1) } else { size(n) };
        let Some((share, after)) = meanwhile else {
            // One snapshot: the answer is exact.
            if let Some(told) = check(&fields, limiter, now, n, now) {
                let at = |seconds: u64| later(now, seconds * SECOND);
                assert!(limiter.peek_at(at(told), n).is_ok(), "{kind}: refused after {told} seconds");
                assert!(told == 1 || limiter.peek_at(at(told - 1), n).is_err(), "{kind}: {told} is too late");
                let mut headers = HeaderMap::new();
                fields.write(&mut headers, &limiter.status_at(now));
                let waits = parsed::limits(&headers["ratelimit"]).into_iter().filter(|item| item.r == 0);
                assert!(n > 1 || waits.map(|item| item.t).max() == Some(told), "{kind}: {headers:?}");
            }
            continue;
        };
        // Others were granted before the status was read, or time has passed.
        let denied_at = now;
        let after = later(now, part(policy, after));
        if limiter.peek_at(denied_at, n).is_err() {
            let denied = limiter.peek_at(denied_at, n).unwrap_err();
            let _ = limiter.try_acquire_at(after, size(share));
            let status = limiter.status_at(after);
            let mut headers = HeaderMap::new();
            let refusal = fields.refusal(&denied, &status, n);
            refusal.write(&mut headers);
            let items = parsed::limits(&headers["ratelimit"]);
            let told = refusal.retry_after_secs();
            let never = n > denied.burst();
            assert_eq!(
                told.is_none(),
                never || denied.retry_at().is_none() || status.next_at() == Nanos::MAX
            );
            assert!(never || items.iter().any(|item| item.r < n.into()), "{kind}: {items:?}");
            for item in items {
                assert!(item.t >= 1);
                assert!(
                    item.r > 0 || told.is_none_or(|told| item.t <= told),
                    "{kind}: {item:?} beside {told:?}"
                );
            }
        }
    }
}

fn shares() -> impl Strategy<Value = Vec<(u32, u32)>> {
    prop::collection::vec((0_u32..=256, prop_oneof![Just(0), 0_u32..70_000]), 0..12)
}

fn policies() -> impl Strategy<Value = Policy> {
    prop_oneof![4 => any_policy(), 1 => coarse_pairs()]
}

proptest! {
    /// With one snapshot, `Retry-After` is exact to the second, the longest `t` of what has nothing left is the same, and
    /// nothing that is offered would be refused.
    #[test]
    fn a_refusal_is_exact(policy in policies(), shares in shares(), n in 1_u32..=257, gap in 0_u32..70_000) {
        play(&policy, &Kind::ALL, &shares, n, gap, None);
    }

    /// With two, no field contradicts another.
    #[test]
    fn a_refusal_agrees_with_itself(
        policy in policies(),
        shares in shares(),
        n in 1_u32..=257,
        gap in 0_u32..70_000,
        meanwhile in (0_u32..=256, 0_u32..150_000),
    ) {
        play(&policy, &Kind::ALL, &shares, n, gap, Some(meanwhile));
    }
}
