//! Which of several fields counts.

use std::time::Duration;

use crate::{quotas, read};

fn after(status: u16, fields: &[(&str, &str)]) -> Option<u128> {
    read(status, fields).retry_after().map(|after| after.as_millis())
}

/// Each field counts only if none before it is there.
#[test]
fn the_order_of_the_fields() {
    let mut fields = vec![
        ("retry-after-ms", "1001"),
        ("x-ms-retry-after-ms", "1002"),
        ("retry-after", "1.003"),
        ("x-ratelimit-reset-after", "1.004"),
        ("anthropic-ratelimit-requests-remaining", "0"),
        ("anthropic-ratelimit-requests-reset", "1.005"),
        ("anthropic-ratelimit-unified-reset", "1.006"),
        ("x-github-request-id", "1"),
    ];
    for expected in [1001, 1002, 1003, 1004] {
        assert_eq!(after(429, &fields), Some(expected));
        fields.remove(0);
    }
    assert_eq!(after(429, &fields), Some(1005));
    fields.remove(0);
    assert_eq!(after(429, &fields), Some(1006)); // Now nothing is told of either but the reset.
    assert_eq!(after(429, &fields[2..]), Some(60_000));
    assert_eq!(after(429, &[]), None);
}

#[test]
fn the_order_in_the_response_does_not_matter() {
    let fields = [
        ("date", "Wed, 25 Nov 2026 16:00:00 GMT"),
        ("x-ratelimit-reset", "1795622430"),
        ("x-ratelimit-limit", "10"),
        ("x-ratelimit-remaining", "0"),
        ("ratelimit", "\"a\";r=1;t=2"),
        ("ratelimit-policy", "\"a\";q=3;w=4, 10;w=60"),
        ("x-app-rate-limit", "20:1"),
        ("x-app-rate-limit-count", "20:1"),
    ];
    let said = |fields: &[(&str, &str)]| {
        let feedback = read(429, fields);
        let mut quotas = quotas(&feedback);
        quotas.sort();
        (feedback.retry_after(), quotas)
    };
    let expected = said(&fields);
    assert_eq!(
        expected.1,
        [": 10/60s, 0 left, reset 30s", "a: 3/4s, 1 left, reset 2s", "app: 20/1s, 0 left, reset ?"]
    );
    let mut turned = fields;
    for _ in 0..fields.len() {
        turned.rotate_left(1);
        assert_eq!(said(&turned), expected);
        let mut reversed = turned;
        reversed.reverse();
        assert_eq!(said(&reversed), expected);
    }
}

#[test]
fn a_field_that_makes_no_sense_leaves_the_word_to_the_next() {
    let fields = [("retry-after-ms", "soon"), ("retry-after", "-3"), ("ratelimit", "\"a\";r=0;t=4")];
    let feedback = read(429, &fields);
    assert_eq!(feedback.retry_after(), Some(Duration::from_secs(4)));
    assert_eq!(feedback.ignored().len(), 2);
}

#[test]
fn a_field_that_occurs_twice_counts_by_its_strictest_value() {
    let fields = [
        ("retry-after", "5"),
        ("retry-after", "7"),
        ("retry-after", "6"),
        ("x-ratelimit-limit", "100"),
        ("x-ratelimit-limit", "50"),
        ("x-ratelimit-remaining", "3"),
        ("x-ratelimit-remaining", "9"),
        ("x-ratelimit-reset", "2"),
        ("x-ratelimit-reset", "1"),
    ];
    let feedback = read(429, &fields);
    assert_eq!(feedback.retry_after(), Some(Duration::from_secs(7)));
    assert_eq!(quotas(&feedback), [": 50/?, 3 left, reset 2s"]);
}

#[test]
fn the_latest_reset_of_a_spent_quota_counts() {
    let field = [("ratelimit", "\"a\";r=0;t=5, \"b\";r=0;t=9, \"c\";r=1;t=100")];
    assert_eq!(after(429, &field), Some(9000));
    assert_eq!(after(200, &field), Some(9000));
    // Calls in progress do not end by the clock.
    let policy = ("ratelimit-policy", "\"a\";q=5;qu=\"concurrent-requests\"");
    assert_eq!(after(200, &[policy, ("ratelimit", "\"a\";r=0;t=5")]), None);
}

#[test]
fn what_is_a_refusal() {
    let with = |status, fields: &[(&str, &str)]| read(status, fields).is_refusal();
    let retry = [("retry-after", "5")];
    let spent = [("x-ratelimit-remaining", "0")];
    assert!(with(429, &[]) && with(429, &retry) && with(429, &spent));
    assert!(
        with(503, &retry) && with(403, &retry) && with(413, &retry) && with(599, &retry) && with(400, &retry)
    );
    assert!(with(403, &spent));
    assert!(
        !with(503, &[]) && !with(403, &[]) && !with(503, &spent) && !with(404, &spent) && !with(200, &spent)
    );
    // Not yet done; moved; a service that says nonsense.
    assert!(!with(202, &retry) && !with(301, &retry) && !with(200, &retry));
    assert!(!with(503, &[("retry-after", "never")]));
    assert_eq!(after(202, &retry), None);
}

#[test]
fn what_is_left_is_the_least_of_all_quotas_of_calls() {
    let left = |fields: &[(&str, &str)]| read(200, fields).remaining();
    assert_eq!(left(&[]), None);
    assert_eq!(left(&[("x-ratelimit-remaining-tokens", "3")]), None);
    let fields = [("x-ratelimit-remaining-tokens", "3"), ("x-ratelimit-remaining-requests", "8")];
    assert_eq!(left(&fields), Some(8));
    assert_eq!(left(&[("ratelimit", "\"a\";r=9, \"b\";r=4"), ("x-ratelimit-remaining", "5")]), Some(4));
}

/// Each partition of a quota counts the same thing, whatever its policy is.
#[test]
fn the_unit_holds_for_every_partition_of_a_quota() {
    let fields = [
        ("ratelimit-policy", "\"traffic\";q=1000000;w=60;qu=\"content-bytes\""),
        ("ratelimit", "\"traffic\";r=5;pk=:QQ==:, \"traffic\";r=3;pk=:Qg==:"),
    ];
    let feedback = read(200, &fields);
    assert_eq!(
        quotas(&feedback),
        ["traffic: Other 1000000/60s, 5 left, reset ?", "traffic: Other ?/?, 3 left, reset ?"]
    );
    assert_eq!(feedback.remaining(), None);
}

#[test]
fn calls_in_progress_do_not_end_by_the_clock() {
    let fields =
        [("x-ratelimit-remaining-concurrent-requests", "0"), ("x-ratelimit-reset-concurrent-requests", "9")];
    let feedback = read(200, &fields);
    assert_eq!((feedback.remaining(), feedback.retry_after()), (None, None));
    assert_eq!(quotas(&feedback), ["concurrent-requests: Concurrency ?/?, 0 left, reset 9s"]);
}

#[test]
fn a_window_of_no_time_is_none() {
    assert_eq!(quotas(&read(200, &[("x-app-rate-limit", "20:0")])), ["app: 20/?, ? left, reset ?"]);
    let period = [("x-ratelimit-limit-requests", "5"), ("x-ratelimit-renewalperiod-requests", "0")];
    assert_eq!(quotas(&read(200, &period)), ["requests: 5/?, ? left, reset ?"]);
    let spring = [("x-ratelimit-burst-capacity", "0"), ("x-ratelimit-replenish-rate", "1")];
    assert_eq!(quotas(&read(200, &spring)), [": 0/?, ? left, reset ?"]);
}

/// A field is read or ignored, with all that it says.
#[test]
fn half_a_field_is_none() {
    let feedback = read(200, &[("x-app-rate-limit", "20:1,lots"), ("x-app-rate-limit-count", "20:1")]);
    assert_eq!(quotas(&feedback), ["app: ?/1s, ? left, reset ?"]);
    assert_eq!(feedback.ignored().len(), 1);
}

#[test]
fn the_word_of_a_cause_may_be_in_any_case() {
    assert!(!read(429, &[("x-ratelimit-scope", "Shared")]).counts_against_us());
    assert!(!read(429, &[("stripe-rate-limited-reason", "Global-Concurrency")]).counts_against_us());
}

/// A policy without a name does not lose what it says to a limit of draft 7 that says less.
#[test]
fn draft_7_takes_nothing_back() {
    let fields = [("ratelimit-policy", "\"\";q=5;w=60"), ("ratelimit", "remaining=3, reset=9")];
    assert_eq!(quotas(&read(200, &fields)), [": 5/60s, 3 left, reset 9s"]);
}

/// Spring's way to grant one call a minute: a call costs 60 of the 60 tokens that come back, one in a second.
#[test]
fn what_is_left_is_counted_in_calls() {
    let left = |tokens| {
        let fields = [
            ("x-ratelimit-remaining", tokens),
            ("x-ratelimit-requested-tokens", "60"),
            ("x-ratelimit-burst-capacity", "180"),
            ("x-ratelimit-replenish-rate", "1"),
        ];
        read(200, &fields).remaining()
    };
    assert_eq!((left("180"), left("179"), left("59")), (Some(3), Some(2), Some(0)));
}

/// Only where the name is GitHub's: elsewhere it is one like any other.
#[test]
fn a_quota_named_graphql_counts_calls() {
    assert_eq!(read(200, &[("ratelimit", "\"graphql\";r=3;t=9")]).remaining(), Some(3));
    let github = [("x-ratelimit-resource", "graphql"), ("x-ratelimit-remaining", "3")];
    assert_eq!(read(200, &github).remaining(), None);
}
