//! The example `defender_client`, as a user sees it. `run` is the whole program; it takes arguments and outputs.
//!
//! This is the one test of waiting that runs in real time, over real sockets.

#[path = "../examples/defender_client/main.rs"]
mod defender_client;
mod ran;

use std::ffi::OsString;
use std::io::{self, Write};
use std::time::Duration;

use defender_client::enforcement::{Kind, quickest};
use defender_client::run;
use ran::Ran;
use tollgate::Policy;

fn ran<S: Into<OsString>>(args: impl IntoIterator<Item = S>) -> Ran {
    Ran::of(args, |args, out, err| run(args, out, err))
}

fn policy(text: &str) -> Policy {
    text.parse().expect("a policy")
}

/// A row of the table.
#[derive(Debug)]
struct Row {
    refused: u64,
    took: f64,
    slowest_ms: f64,
    naive_refused: u64,
}

fn row(ran: &Ran, name: &str) -> Row {
    let line = ran.out.lines().find(|line| line.starts_with(&format!("{name} "))).expect("a row");
    // Without the units: name, best, 429s, took, of best, slowest, 429s, took, of best.
    let cells: Vec<&str> = line.split_whitespace().filter(|cell| !["s", "ms", "%"].contains(cell)).collect();
    assert_eq!(cells.len(), 9, "{line}");
    let number = |place: usize| cells[place].parse::<f64>().expect("a number");
    let count = |place: usize| cells[place].parse::<u64>().expect("a count");
    Row { refused: count(2), took: number(3), slowest_ms: number(5), naive_refused: count(6) }
}

#[test]
fn no_server_refuses_a_client_that_has_a_limiter() {
    let ran = ran(["--policy", "10/500ms, 30/2s; guard 200ms", "--calls", "40"]);
    assert_eq!((ran.err.as_str(), ran.out.lines().count()), ("", 8), "{}", ran.out);
    let mut stalled = false;
    for kind in Kind::ALL {
        let row = row(&ran, kind.name());
        // Ten calls each at 0 s, 0.7 s, 1.4 s and 2.2 s, or later.
        assert!(row.took >= 2.2, "{row:?}");
        assert!(row.naive_refused > 0, "the server enforces nothing: {row:?}");
        // If no answer took longer than the guard, nothing may have been refused.
        if row.slowest_ms > 200.0 {
            stalled = true;
        } else {
            assert_eq!(row.refused, 0, "{row:?}");
        }
    }
    if stalled {
        let _ = writeln!(io::stderr(), "SKIPPED: this machine took longer for an answer than the guard");
    } else {
        assert_eq!(ran.code, 0);
    }
}

#[test]
fn a_429_pauses_every_task_and_is_an_exit_code() {
    // The server grants half of what the client believes. Of ten calls it refuses five and says 1 s.
    let args =
        ["--server", "log", "--policy", "10/500ms; guard 100ms", "--enforced", "5/500ms", "--calls", "20"];
    let ran = ran(args);
    assert_eq!((ran.code, ran.err.as_str()), (1, ""));
    let row = row(&ran, "log");
    assert!(row.refused > 0 && row.took >= 3.0, "{row:?}");
    assert!(ran.out.contains(&format!("\nlog: {} 429s: ", row.refused)), "{}", ran.out);
}

/// Calls at so many nanoseconds; `Ok` is served, `Err` for how long it is not.
fn counts(kind: Kind, text: &str, calls: &[(u64, Result<(), u64>)]) {
    let mut enforcement = kind.enforcement(&policy(text));
    for &(now, expected) in calls {
        assert_eq!(enforcement.serve(now), expected, "{kind:?} of {text} at {now}");
    }
}

#[test]
fn servers_count_as_they_say() {
    let text = "2/10ns, 3/100ns; guard 1s";
    let (a, b) = (Ok(()), Ok(()));
    // Windows end at 10 and at 100.
    counts(
        Kind::FixedWindow,
        text,
        &[(9, a), (9, b), (9, Err(1)), (10, a), (10, Err(90)), (100, a), (100, b)],
    );
    counts(
        Kind::FixedWindow,
        text,
        &[(0, a), (99, a), (99, b), (99, Err(1)), (100, a), (100, b), (100, Err(10))],
    );
    // A call at 9 counts until 19, and until 109.
    counts(Kind::SlidingLog, text, &[(9, a), (9, b), (9, Err(11)), (19, Err(1)), (20, a), (20, Err(90))]);
    counts(
        Kind::SlidingLog,
        text,
        &[(9, a), (9, b), (20, a), (109, Err(1)), (110, a), (110, b), (110, Err(11))],
    );
    // One per 5, and one per 33 1/3.
    counts(Kind::TokenBucket, text, &[(9, a), (9, b), (9, Err(5)), (13, Err(1)), (14, a), (14, Err(29))]);
    counts(
        Kind::TokenBucket,
        text,
        &[(9, a), (9, b), (14, a), (42, Err(1)), (43, a), (43, Err(33)), (76, a)],
    );
}

#[test]
fn the_best_possible_is_what_the_server_would_serve() {
    let rule = policy("10/500ms, 30/2s; guard 50ms");
    let best = |kind, calls| quickest(kind, &rule, calls);
    // Bursts at 0 s, 0.5 s, 1 s; at 2 s, 2.5 s, 3 s; ...
    assert_eq!(best(Kind::FixedWindow, 120), Duration::from_secs(7));
    // The same, with a nanosecond for each window that is waited for.
    assert_eq!(best(Kind::SlidingLog, 120), Duration::from_nanos(7_000_000_005));
    // 10 at once, then 20 a second until the larger bucket is empty at 4 s, then 15.
    assert_eq!(best(Kind::TokenBucket, 10), Duration::ZERO);
    assert_eq!(best(Kind::TokenBucket, 90), Duration::from_secs(4));
    assert_eq!(best(Kind::TokenBucket, 120), Duration::from_secs(6));
    // The rule of the Microsoft 365 Defender APIs: an hour's calls in 29 minutes.
    let rule = Policy::MICROSOFT_365_DEFENDER;
    assert_eq!(quickest(Kind::FixedWindow, &rule, 1500), Duration::from_secs(29 * 60));
    assert_eq!(quickest(Kind::FixedWindow, &rule, 1501), Duration::from_secs(60 * 60));
}

/// Runs, must fail, and gives the one line without the program's name.
fn refused<S: Into<OsString>>(args: impl IntoIterator<Item = S>) -> String {
    ran(args).refusal("defender_client")
}

#[test]
fn bad_arguments_are_told_in_one_line() {
    for (args, expected) in [
        (&["now"][..], "unexpected argument 'now' found"),
        (&["--calls", "0"], "invalid value '0' for '--calls <N>': 0 is not in 1..=1000000"),
        (&["--tasks", "-1"], "invalid value '-1' for '--tasks <N>': invalid digit found in string"),
        (
            &["--server", "nginx"],
            "invalid value 'nginx' for '--server <KIND>' [possible values: fixed, log, bucket, all]",
        ),
    ] {
        assert_eq!(refused(args), format!("{expected} (see --help)"));
    }
    assert_eq!(
        refused(["--policy", "0/1s"]),
        r#"bad policy "0/1s": quota 0 (counted from 0) has limit 0; a limit is at least 1"#
    );
    assert!(refused(["--enforced", ""]).starts_with(r#"bad policy "": "#));
    let never = refused(["--policy", "4000000000/1s"]);
    assert!(never.starts_with("no limiter can keep this policy: quota 0 (counted from 0) needs"), "{never}");
}

#[test]
fn help_documents_servers_columns_and_the_guard() {
    let help = ran(["--help"]);
    assert_eq!((help.code, help.err.as_str()), (0, ""));
    for text in Kind::ALL.map(Kind::name).iter().chain(&[
        "--enforced",
        "of best",
        "slowest",
        "guard / (window + guard)",
    ]) {
        assert!(help.out.contains(text), "{text}");
    }
    assert!(help.out.lines().all(|line| line.len() <= 125), "{}", help.out);
}
