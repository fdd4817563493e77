//! Limiters that are not tollgate's, beside those that are: the examples as they are, and limiters that misbehave.

#[path = "../examples/governor.rs"]
#[expect(dead_code, reason = "the example's main")]
mod governor;
#[path = "../examples/own_strategy.rs"]
#[expect(dead_code, reason = "the example's main")]
mod own_strategy;

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;
use tollgate::{Algorithm, BuildError, Denied, Nanos, Policy, SlidingLog, Status};
use tollgate_lab::{Answer, Comparison, Figures, Row, Strategy, Traffic, Workload};

fn bursty(calls: u64) -> Traffic {
    Traffic::new("bursty", &Workload::Bursty.events(1, calls), false)
}

/// The row that was added.
fn added(comparison: &Comparison) -> &Row {
    let rows = &comparison.reports[0].rows;
    assert_eq!(rows.len(), Strategy::ALL.len() + 1);
    &rows[Strategy::ALL.len()]
}

fn figures(comparison: &Comparison) -> &Figures {
    added(comparison).figures.as_ref().expect("figures")
}

#[test]
fn a_limiter_of_ones_own_stands_in_the_same_table_json_and_page() {
    let comparison = own_strategy::compare(5_000).expect("a comparison");
    let spaced = figures(&comparison);
    // It could grant 25 a minute. Of a burst of up to 100 calls in 20 s it grants 9, and the next burst comes later.
    assert_eq!(spaced.worst, [15, 280]);
    assert_eq!((spaced.retry.kept, spaced.retry.late), (spaced.retry.promised, 0));
    assert_eq!(spaced.granted + spaced.refused(), 5_000);

    let mut table = Vec::new();
    comparison.table(&mut table).expect("memory");
    let table = String::from_utf8(table).expect("UTF-8");
    let line = table.lines().find(|line| line.starts_with("spaced ")).expect("a row");
    assert_eq!(line.split_whitespace().nth(1), Some(spaced.granted.to_string().as_str()));
    assert!(table.contains(
        "Within every limit, always: sliding_log, token_bucket_strict, window_counter, locked_sliding_log, spaced."
    ));

    let json: Value = comparison.json();
    assert_eq!(json["version"], 1);
    assert_eq!(
        (&json["strategies"][8]["name"], &json["strategies"][8]["granted"]),
        (&"spaced".into(), &spaced.granted.into())
    );
    assert!(comparison.html().contains("<td>spaced</td>"));
}

#[test]
fn governor_in_a_chain_grants_more_than_the_rule() {
    let comparison = governor::compare(5_000).expect("a comparison");
    let (chain, exact) =
        (figures(&comparison), comparison.reports[0].rows[0].figures.as_ref().expect("figures"));
    assert!(chain.worst[0] > 50 && exact.worst[0] == 50, "{:?}", chain.worst);
    assert_eq!(chain.granted + chain.refused(), 5_000);
    let over: Vec<(usize, u64)> = comparison.reports[0].violations(chain).collect();
    assert_eq!(over.first(), Some(&(0, chain.worst[0])));
}

#[test]
fn the_same_algorithm_has_the_same_figures_under_each_policy() {
    let policies: [Policy; 2] = ["50/1m, 1500/1h".parse().unwrap(), "3/1s".parse().unwrap()];
    let comparison = Comparison::of(bursty(2_000), &policies).with("mine", SlidingLog::new);
    for (report, policy) in comparison.reports.iter().zip(policies) {
        let (ours, mine) =
            (report.rows[0].figures.as_ref().unwrap(), report.rows[8].figures.as_ref().unwrap());
        assert_eq!(report.policy, policy);
        assert_eq!(
            (&ours.answers, &ours.refused_by, &ours.worst),
            (&mine.answers, &mine.refused_by, &mine.worst)
        );
        assert_eq!((ours.retry, ours.waiting), (mine.retry, mine.waiting));
    }
}

#[test]
fn a_limiter_that_cannot_be_built_says_so() {
    let comparison = Comparison::of(bursty(10), &["1/1s".parse().unwrap()])
        .with("mine", |_| Err::<SlidingLog, _>(BuildError::TooLarge { limit: 7 }));
    let error = added(&comparison).figures.as_ref().unwrap_err();
    assert!(error.starts_with("a sliding log for a limit of 7"), "{error}");
}

/// Answers as it is told to.
struct Odd<F> {
    policy: Policy,
    calls: AtomicU64,
    answer: F,
}

impl<F> std::fmt::Debug for Odd<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Odd")
    }
}

impl<F: Fn(u64, Nanos) -> Result<(), Denied> + Send + Sync> Algorithm for Odd<F> {
    fn policy(&self) -> &Policy {
        &self.policy
    }

    fn try_acquire_at(&self, now: Nanos, _: u32) -> Result<(), Denied> {
        (self.answer)(self.calls.fetch_add(1, Ordering::Relaxed), now)
    }

    fn peek_at(&self, _: Nanos, _: u32) -> Result<(), Denied> {
        unreachable!("the lab never asks")
    }

    fn status_at(&self, _: Nanos) -> Status {
        unreachable!("the lab never asks")
    }
}

/// What the row of such a limiter has.
fn odd(
    calls: u64,
    answer: impl Fn(u64, Nanos) -> Result<(), Denied> + Send + Sync,
) -> Result<Figures, String> {
    let answer = &answer;
    let comparison = Comparison::of(bursty(calls), &["50/1m".parse().unwrap()])
        .with("odd", |policy| Ok(Odd { policy, calls: AtomicU64::new(0), answer }));
    added(&comparison).figures.clone()
}

#[test]
fn a_quota_that_does_not_exist_is_told() {
    let error = odd(10, |_, now| Err(Denied::new(now, 3, Some(Nanos::MAX), 1))).unwrap_err();
    assert_eq!(error, "a refusal names quota 3 (counted from 0), and the policy has 1");
}

#[test]
fn a_limiter_that_depends_on_chance_is_told() {
    let chance = AtomicU64::new(0);
    let answer = |_, now: Nanos| match chance.fetch_add(1, Ordering::Relaxed) {
        0..1_000 => Ok(()),
        _ => Err(Denied::new(now, 0, Some(Nanos::from_nanos(now.as_nanos() + 1)), 1)),
    };
    let error = odd(1_000, answer).unwrap_err();
    assert!(error.starts_with("it answers the same requests differently each time"), "{error}");
}

#[test]
fn a_limiter_that_always_asks_to_come_back_later_ends() {
    let figures =
        odd(10, |_, now| Err(Denied::new(now, 0, Some(Nanos::from_nanos(now.as_nanos() + 1)), 1))).unwrap();
    assert_eq!((figures.granted, figures.retry.kept, figures.waiting.unserved), (0, 0, 10));
}
