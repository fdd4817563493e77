//! `tollgate-lab recommend --server`: which limiter and which guard a client should have.

use std::time::Duration;

use serde_json::Value;
use tollgate::Policy;
use tollgate_lab::matrix::{Guards, Limiter, Network, RUNS, Server, meet};
use tollgate_lab::{Traffic, Workload};

const MS: Duration = Duration::from_millis(1);

/// What the program prints, and its exit code.
fn ran(args: &[&str]) -> (u8, String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = tollgate_lab::run(args.iter().map(Into::into), &mut out, &mut err);
    (code, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

fn greedy(calls: u64) -> Traffic {
    Traffic::new("greedy", &Workload::Greedy.events(1, calls), false)
}

/// The most answers 429, and the longest time, in all runs with one guard.
fn met(
    it: &Guards,
    traffic: &Traffic,
    limiter: Limiter,
    server: Server,
    guard: Duration,
    seed: u64,
) -> (u64, u64) {
    let runs = (0..RUNS).map(|run| {
        let limiter = limiter.build(it.policy, guard).unwrap();
        let network = Network::new(it.jitter, seed + run);
        let (enforced, fields) = (server.enforce(it.policy), server.fields(&it.policy));
        let outcome = meet(Some(&*limiter), &*enforced, fields.as_ref(), &traffic.steps, network, u64::MAX);
        (outcome.refused, outcome.took)
    });
    runs.fold((0, 0), |(refused, took), run| (refused.max(run.0), took.max(run.1)))
}

/// Compares what was found with all that was tried. How often a smaller guard was enough below one that was not.
fn checked(policy: &str, workload: Workload, calls: u64, seed: u64) -> usize {
    let policy: Policy = policy.parse().unwrap();
    let traffic = Traffic::new("calls", &workload.events(seed, calls), false);
    let it = Guards::new(policy, &traffic, 80 * MS, seed).unwrap();
    assert_eq!((it.tried[0], it.safe), (Duration::ZERO, 81 * MS));
    assert!(it.tried.contains(&it.safe) && it.tried.is_sorted());
    let mut gaps = 0;
    for (limiter, row) in Limiter::ALL.into_iter().zip(&it.rows) {
        for (server, fit) in Server::ALL.into_iter().zip(row.as_ref().unwrap()) {
            let refused: Vec<u64> =
                it.tried.iter().map(|&guard| met(&it, &traffic, limiter, server, guard, seed).0).collect();
            // The last guard that drew a refusal; the one after it is the answer.
            let enough = refused.iter().rposition(|&refused| refused > 0).map_or(0, |last| last + 1);
            gaps += usize::from(refused[..enough].contains(&0));
            let told = format!("{policy}: {} {}: {refused:?}", limiter.name(), server.name());
            assert_eq!(fit.map(|fit| fit.guard), it.tried.get(enough).copied(), "{told}");
            if let Some(fit) = fit {
                assert_eq!((0, fit.took), met(&it, &traffic, limiter, server, fit.guard, seed), "{told}");
            }
            if limiter.keeps_the_rule() && server.grants_the_rule() {
                assert!(fit.is_some_and(|fit| fit.guard <= it.safe), "{told}");
            }
        }
    }
    gaps
}

#[test]
fn the_guard_is_the_smallest_from_which_on_none_drew_a_refusal() {
    for (policy, workload) in
        [("50/1m, 1500/1h", Workload::Greedy), ("5/1s", Workload::Bursty), ("3/7s, 40/10m", Workload::Steady)]
    {
        checked(policy, workload, 300, 7);
    }
    // Small ones, among which some guard is enough only by luck: it is not the answer.
    let gaps: usize = (0..40).map(|seed| checked("2/1s", Workload::Bursty, 40, seed)).sum();
    assert!(gaps > 0);
}

#[test]
fn without_jitter_only_a_server_that_counts_both_ends_asks_for_a_guard() {
    let it = Guards::new("10/1s".parse().unwrap(), &greedy(200), Duration::ZERO, 1).unwrap();
    let log = it.rows[0].as_ref().unwrap();
    let guards: Vec<Option<Duration>> = log.iter().map(|fit| fit.map(|fit| fit.guard)).collect();
    let none = Some(Duration::ZERO);
    assert_eq!(guards[..4], [none, none, none, Some(MS)]);
    assert_eq!(guards[5..], [none, none, none]);
    assert_eq!(it.safe, MS);
}

#[test]
fn a_bucket_grants_more_to_whoever_knows_it() {
    let it = Guards::new(Policy::MICROSOFT_365_DEFENDER, &greedy(3_000), 50 * MS, 1).unwrap();
    let (limiter, took) = it.advice.unwrap();
    assert_eq!(limiter, Limiter::SlidingLog);
    // 29 guarded minutes of 50 calls, twice, and the guarded hour between them.
    assert!((5_340_000_000_000..5_350_000_000_000).contains(&took), "{took}");
    let (limiter, fit) = it.fastest(Server::TokenBucket).unwrap();
    assert_eq!(limiter, Limiter::TokenBucketNominal);
    assert!(fit.took < took * 3 / 4, "{fit:?}");
}

#[test]
fn table_and_json_say_the_same() {
    let args = ["recommend", "--server", "5/1s", "--jitter", "20ms", "--events", "40"];
    let (code, out, err) = ran(&args);
    assert_eq!((code, err.as_str()), (0, ""));
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines[0], "greedy: 40 calls to a server that enforces 5/1s");
    assert_eq!(lines[1], "A call takes up to 20.0 ms to arrive, and its answer as long.");
    let (code, json, _) = ran(&[&args[..], &["--format", "json"]].concat());
    assert_eq!(code, 0);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["version"], &json["calls"], &json["best_s"]), (&1.into(), &40.into(), &7.into()));
    assert_eq!(json["advice"]["guard_s"], 0.021);
    let name = json["advice"]["limiter"].as_str().unwrap();
    assert!(
        out.contains(&format!("Use {name} with a guard of 21.0 ms: no server that grants the rule")),
        "{out}"
    );
    let servers = json["servers"].as_array().unwrap();
    assert_eq!(servers.len(), Server::ALL.len());
    for server in servers {
        let name = server["server"].as_str().unwrap();
        let line = lines.iter().find(|line| line.starts_with(&format!("{name} "))).unwrap();
        let dashes = line.split_whitespace().filter(|cell| *cell == "-").count();
        let without = server["limiters"].as_array().unwrap().iter().filter(|it| it.get("guard_s").is_none());
        assert_eq!(without.count(), dashes, "{line}");
    }
}

#[test]
fn what_is_wrong_is_one_line() {
    for (args, said) in [
        (&["recommend", "--server", "5 a second"][..], "bad policy"),
        (&["recommend", "--server", ""], "bad policy"),
        (&["recommend", "--server", "5/1s", "--jitter", "-1ms"], "--jitter"),
        (&["recommend", "--server", "5/1s", "--refused", "1%"], "cannot be used with"),
        (&["recommend", "--server", "5/1s", "--windows", "1m"], "cannot be used with"),
        (&["recommend", "bursty", "--server", "5/1s", "--per-client"], "--per-client"),
        (&["recommend", "--jitter", "1ms"], "--jitter needs --server"),
        (&["recommend", "--server", "4000000000/1s"], "no plan"),
        (&["recommend", "--server", "5/1s", "--trace", "/nowhere"], "cannot read"),
        (&["matrix", "--policy", "5/1000d", "--guard", "53000d"], "bad guard"),
    ] {
        let (code, out, err) = ran(args);
        assert_eq!((code, out.as_str()), (2, ""), "{args:?}");
        assert!(err.contains(said) && err.lines().count() == 1, "{args:?}: {err}");
    }
}
