//! `tollgate-lab matrix`: which client draws refusals from which server, in virtual time.

use std::sync::LazyLock;
use std::time::Duration;

use tollgate::{Nanos, Policy, SlidingLog};
use tollgate_lab::matrix::{Client, Matrix, Network, Outcome, Server, meet};
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

/// What `tollgate-lab matrix` shows.
static REFERENCE: LazyLock<Matrix> =
    LazyLock::new(|| matrix("50/1m, 1500/1h", Workload::Greedy, 3_000, Duration::from_millis(100), 1));

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
    assert_eq!(met, 5 * 3 * 3 * 3 * 7);
}

#[test]
fn without_a_guard_jitter_draws_refusals() {
    let matrix = &*REFERENCE;
    //                              by clock, by first call, half open, closed, counter, bucket, gcra twice
    assert_eq!(refused(matrix, "sliding_log + guard"), [0, 0, 0, 0, 1542, 0, 0, 0]);
    assert_eq!(refused(matrix, "sliding_log"), [0, 135, 296, 290, 1521, 0, 0, 0]);
    assert_eq!(refused(matrix, "token_bucket_strict + guard"), [0; 8]);
    assert_eq!(refused(matrix, "token_bucket_nominal + guard"), [2, 2, 2, 2, 1400, 0, 0, 0]);
    assert_eq!(matrix.best, 5_340_000_000_000);
}

/// A client whose policy is twice the server's. Of its first 20 calls, half are refused. Then it knows better from the fields of
/// granted answers.
#[test]
fn fields_spare_a_client_refusals() {
    let (policy, twice) = ("10/1s".parse().unwrap(), "20/1s".parse().unwrap());
    let calls = Workload::Greedy.events(1, 200);
    let traffic = Traffic::new("calls", &calls, false);
    let refused = |server: Server, fields: bool| {
        let log = SlidingLog::new(twice).unwrap();
        let fields = server.fields(&policy).filter(|_| fields);
        let network = Network::new(Duration::from_millis(50), 1);
        let enforced = server.enforce(policy);
        let outcome = meet(Some(&log), &*enforced, fields.as_ref(), &traffic.steps, network, u64::MAX);
        assert_eq!(outcome.granted, 200);
        outcome.refused
    };
    for server in [Server::GcraDraft, Server::GcraXRateLimit] {
        assert_eq!((refused(server, false), refused(server, true)), (20, 10), "{}", server.name());
    }
}

#[test]
fn a_server_that_counts_both_ends_needs_a_guard_even_without_jitter() {
    let matrix = matrix("10/1s", Workload::Greedy, 3_000, Duration::ZERO, 1);
    assert_eq!(refused(&matrix, "sliding_log + guard")[3], 0);
    assert_eq!(refused(&matrix, "sliding_log")[..4], [0, 0, 0, 308]);
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

/// The table in the README is what the command that stands beside it prints.
#[test]
fn the_table_in_the_readme_is_current() {
    let matrix = &*REFERENCE;
    let row = |name: &str, cells: Vec<String>| format!("| {name} | {} |\n", cells.join(" | "));
    let mut table = vec![row("", Server::ALL.map(|server| format!("`{}`", server.name())).into())];
    table.push(format!("|---{}|\n", "|--:".repeat(Server::ALL.len())));
    for (client, cells) in Client::ALL.into_iter().zip(&matrix.rows) {
        let cells = cells.iter().map(|cell| cell.as_ref().unwrap().refused.to_string());
        table.push(row(&format!("`{}`", client.name()), cells.collect()));
    }
    let table = table.concat();
    assert!(include_str!("../README.md").contains(&table), "the table is:\n{table}");
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
    assert_eq!(closed.unwrap()["refused"], 11);
    let cells = lines.iter().find(|line| line.starts_with("sliding_log ") && !line.contains('+')).unwrap();
    assert_eq!(cells.split_whitespace().nth(4), Some("11"));
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
