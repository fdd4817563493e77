//! Names: never escaped, never twice.

use std::collections::HashSet;

use http::HeaderMap;
use proptest::prelude::*;
use tollgate::http::Fields;
use tollgate::{Algorithm, Nanos, Policy, Quota, SlidingLog, TokenBucket};

use crate::parsed;

fn names(policy: &Policy) -> Vec<String> {
    let mut headers = HeaderMap::new();
    let bucket = TokenBucket::strict(*policy).unwrap();
    Fields::of(&bucket).write(&mut headers, &bucket.status_at(Nanos::ZERO));
    parsed::policies(&headers["ratelimit-policy"]).into_iter().map(|policy| policy.name).collect()
}

#[test]
fn a_name_that_is_there_twice_is_not_used() {
    let policy: Policy = "a=5/1s, a=6/1m, b=7/1h, pace=8/1d, 9/2d".parse().unwrap();
    assert_eq!(names(&policy), ["5/1s", "6/1m", "b", "8/1d", "9/2d", "pace"]);
    // Names that look like windows are no windows.
    let policy: Policy = "1m=5/1s, 6/1m".parse().unwrap();
    assert_eq!(names(&policy), ["1m", "6/1m", "pace"]);
}

/// Each character alone, and in the middle of others: a name has it, or there is no such policy.
#[test]
fn no_character_needs_an_escape() {
    let mut allowed = String::new();
    for c in (0..=0x2ff).filter_map(char::from_u32) {
        for name in [c.to_string(), format!("a{c}b")] {
            let quota = Quota::per_minute(5).named(&name);
            if let Ok(policy) = Policy::new(&[quota]) {
                assert_eq!(names(&policy), [name.as_str(), "pace"]);
                if name.chars().count() == 1 {
                    allowed.push(c);
                }
            }
        }
    }
    assert_eq!(allowed, "-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz");
}

fn quota() -> impl Strategy<Value = Quota> {
    let name = prop_oneof![
        Just(String::new()),
        Just("pace".to_owned()),
        prop::sample::select(vec!["a", "b", "50"]).prop_map(str::to_owned),
        "[A-Za-z0-9._-]{1,15}",
    ];
    (1_u32..=50, 1_u64..=20, name)
        .prop_map(|(limit, secs, name)| Quota::new(limit, std::time::Duration::from_secs(secs)).named(&name))
}

proptest! {
    /// Whatever the names are, no two policies have the same, the values are the policy's, and the body is JSON.
    #[test]
    fn policies_are_read_back(quotas in prop::collection::vec(quota(), 1..=8)) {
        let mut windows = HashSet::new();
        let quotas: Vec<Quota> = quotas.into_iter().filter(|quota| windows.insert(quota.window())).collect();
        let policy = Policy::new(&quotas).unwrap();
        let log = SlidingLog::new(policy).unwrap();
        let fields = Fields::of(&log);
        let mut headers = HeaderMap::new();
        fields.write(&mut headers, &log.status_at(Nanos::ZERO));
        let announced = parsed::policies(&headers["ratelimit-policy"]);
        let told = parsed::limits(&headers["ratelimit"]);
        prop_assert_eq!(announced.len(), quotas.len());
        let mut names = HashSet::new();
        for ((quota, policy), limit) in quotas.iter().zip(&announced).zip(&told) {
            prop_assert_eq!((policy.q, policy.w), (quota.limit().into(), quota.window().as_secs()));
            prop_assert_eq!((limit.r, limit.t), (policy.q, policy.w), "nothing is used");
            prop_assert_eq!(&limit.name, &policy.name);
            prop_assert!(names.insert(policy.name.clone()), "{} is there twice", policy.name);
            if quota.name() != Some(&policy.name) {
                prop_assert_eq!(&policy.name, &Quota::new(quota.limit(), quota.window()).to_string());
            }
        }
        let least = quotas.iter().map(Quota::limit).min().unwrap();
        log.try_acquire_at(Nanos::ZERO, least).unwrap();
        let denied = log.try_acquire_at(Nanos::ZERO, 1).unwrap_err();
        let refusal = fields.refusal(&denied, &log.status_at(Nanos::ZERO), 1);
        let body: serde_json::Value = serde_json::from_str(refusal.response().body()).unwrap();
        let spent: Vec<&str> =
            announced.iter().filter(|policy| policy.q == u64::from(least)).map(|policy| &*policy.name).collect();
        prop_assert_eq!(&body["violated-policies"], &serde_json::json!(spent));
    }
}
