//! `tollgate-lab matrix`: which client draws refusals from which server, in virtual time.

use std::time::Duration;

use tollgate::{Nanos, Policy};
use tollgate_lab::matrix::{Client, Matrix, Outcome, Server};
use tollgate_lab::{Traffic, Workload};

/// What the program prints, and its exit code.
fn ran(args: &[&str]) -> (u8, String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = tollgate_lab::run(args.iter().map(Into::into), &mut out, &mut err);
    (code, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

fn matrix(policy: &str, workload: Workload, calls: u64, jitter: Duration, seed: u64) -> Matrix {
    let traffic = Traffic::new("calls", &workload.events(seed, calls), false);
    Matrix::new(policy.parse().unwrap(), &traffic, jitter, None, seed).unwrap()
}

/// Each client with each server.
fn meetings(matrix: &Matrix) -> impl Iterator<Item = (Client, Server, Outcome)> + '_ {
    Client::ALL.into_iter().zip(&matrix.rows).flat_map(|(client, row)| {
        Server::ALL.into_iter().zip(row).map(move |(server, cell)| (client, server, *cell.as_ref().unwrap()))
    })
}

/// The answers 429 of one client, from each server.
fn refused(matrix: &Matrix, client: &str) -> Vec<u64> {
    meetings(matrix).filter(|(it, ..)| it.name() == client).map(|(_, _, outcome)| outcome.refused).collect()
}

#[test]
fn a_guarded_client_that_keeps_the_rule_is_never_refused() {
    let jitters = [Duration::ZERO, Duration::from_millis(1), Duration::from_millis(300)];
    let mut met = 0;
    for policy in ["50/1m, 1500/1h", "10/1s", "3/7s, 40/10m", "1/1s", "20/1s, 30/2s, 200/1m"] {
        for (seed, jitter) in (1..).zip(jitters) {
            for workload in [Workload::Greedy, Workload::Bursty, Workload::Steady] {
                let matrix = matrix(policy, workload, 400, jitter, seed);
                for (client, server, outcome) in meetings(&matrix) {
                    if client.is_never_refused() && server.grants_the_rule() {
                        met += 1;
                        let told = format!(
                            "{policy}, {jitter:?}, {workload:?}: {} {}",
                            client.name(),
                            server.name()
                        );
                        assert_eq!((outcome.refused, outcome.granted), (0, 400), "{told}");
                    }
                }
            }
        }
    }
    assert_eq!(met, 5 * 3 * 3 * 2 * 6);
}

#[test]
fn without_a_guard_jitter_draws_refusals() {
    let matrix = matrix("50/1m, 1500/1h", Workload::Greedy, 3_000, Duration::from_millis(100), 1);
    //                              by clock, by first call, half open, closed, counter, bucket, gcra
    assert_eq!(refused(&matrix, "sliding_log + guard"), [0, 0, 0, 0, 1939, 0, 0]);
    assert_eq!(refused(&matrix, "sliding_log"), [0, 107, 292, 296, 1545, 0, 0]);
    assert_eq!(refused(&matrix, "token_bucket_strict + guard"), [0; 7]);
    assert_eq!(refused(&matrix, "token_bucket_nominal + guard"), [26, 59, 60, 60, 1260, 0, 0]);
    assert_eq!(matrix.best, 5_340_000_000_000);
}

#[test]
fn a_server_that_counts_both_ends_needs_a_guard_even_without_jitter() {
    let matrix = matrix("10/1s", Workload::Greedy, 3_000, Duration::ZERO, 1);
    assert_eq!(refused(&matrix, "sliding_log + guard")[3], 0);
    assert_eq!(refused(&matrix, "sliding_log")[..4], [0, 0, 0, 2990]);
}

#[test]
fn the_window_begins_with_the_first_call() {
    let policy: Policy = "2/10s, 3/1m".parse().unwrap();
    let server = Server::FixedByFirstCall.enforce(policy);
    let at = |seconds| {
        server.try_acquire_at(Nanos::from_secs(seconds), 1).map_err(|it| (it.quota(), it.retry_at()))
    };
    assert_eq!(at(7), Ok(()));
    assert_eq!(at(9), Ok(()));
    assert_eq!(at(16), Err((0, Some(Nanos::from_secs(17)))));
    assert_eq!(at(17), Ok(()));
    assert_eq!(at(18), Err((1, Some(Nanos::from_secs(67)))));
    assert_eq!(at(67), Ok(()));
    assert_eq!(server.try_acquire_at(Nanos::from_secs(67), 3).unwrap_err().retry_at(), None);
    assert_eq!(
        server.status_at(Nanos::from_secs(68)).quotas().iter().map(|it| it.remaining).collect::<Vec<_>>(),
        [1, 2]
    );
}

#[test]
fn both_ends_of_a_window_count() {
    let server = Server::LogClosed.enforce("1/10s".parse().unwrap());
    assert!(server.try_acquire_at(Nanos::from_secs(1), 1).is_ok());
    let denied = server.try_acquire_at(Nanos::from_secs(11), 1).unwrap_err();
    assert_eq!(denied.retry_at(), Some(Nanos::from_nanos(11_000_000_001)));
}

#[test]
fn a_seed_means_the_same_figures() {
    let figures = |seed| {
        meetings(&matrix("10/1s", Workload::Bursty, 300, Duration::from_millis(50), seed))
            .map(|it| it.2)
            .collect::<Vec<_>>()
    };
    assert_eq!(figures(3), figures(3));
    assert_ne!(figures(3), figures(4));
}

#[test]
fn table_and_json_say_the_same() {
    let args = ["matrix", "--policy", "5/1s", "--events", "40", "--jitter", "0s"];
    let (code, out, err) = ran(&args);
    assert_eq!((code, err.as_str()), (0, ""));
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines[0], "greedy: 40 calls to a server that enforces 5/1s");
    assert_eq!(lines[1], "delays of up to 0 each way; guard 1.00 ms");
    let (code, out, _) = ran(&[&args[..], &["--format", "json"]].concat());
    assert_eq!(code, 0);
    let value: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&value["version"], &value["calls"], &value["best_s"]), (&1.into(), &40.into(), &7.into()));
    let closed = value["meetings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["client"] == "sliding_log" && it["server"] == "log_closed");
    assert_eq!(closed.unwrap()["refused"], 35);
    let cells = lines.iter().find(|line| line.starts_with("sliding_log ") && !line.contains('+')).unwrap();
    assert_eq!(cells.split_whitespace().nth(4), Some("35"));
}

#[test]
fn what_is_wrong_is_one_line() {
    for (args, said) in [
        (&["matrix", "--jitter", "soon"][..], "--jitter"),
        (&["matrix", "--guard", "-1s"], "--guard"),
        (&["matrix", "--policy", "0/1s"], "bad policy"),
        (&["matrix", "bursty", "--per-client"], "--per-client"),
        (&["matrix", "--trace", "/nowhere"], "cannot read"),
        (&["matrices"], "matrices"),
    ] {
        let (code, out, err) = ran(args);
        assert_eq!((code, out.as_str()), (2, ""), "{args:?}");
        assert!(err.contains(said) && err.lines().count() == 1, "{args:?}: {err}");
    }
}
