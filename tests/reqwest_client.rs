//! The example `reqwest_client`, as a user sees it: over real sockets and in real time.

mod ran;
#[path = "../examples/reqwest_client/main.rs"]
mod reqwest_client;

use std::io::{self, Write};

use ran::Ran;
use reqwest_client::run;

fn ran(args: &[&str]) -> Ran {
    Ran::of(args.iter().copied(), |args, out, err| run(args, out, err))
}

/// What stands behind this name.
fn told<'a>(ran: &'a Ran, name: &str) -> &'a str {
    ran.out.lines().find_map(|line| line.strip_prefix(name)).expect("the line").trim()
}

#[test]
fn twenty_tasks_draw_no_429() {
    let ran = ran(&[]);
    assert_eq!(ran.err, "", "{}", ran.out);
    assert!(ran.out.starts_with("20 tasks, 60 calls to http://127.0.0.1:"), "{}", ran.out);
    assert_eq!(told(&ran, "served:"), "60");
    if told(&ran, "answers 429:") == "0" {
        assert_eq!(ran.code, 0);
    } else {
        // Calls that were refused were sent again. That happens only if calls were later than the guard.
        let _ =
            writeln!(io::stderr(), "SKIPPED: this machine delayed calls by more than the guard: {}", ran.out);
    }
    // The bucket holds one permit and gains one per 62.5 ms.
    let seconds: f64 = told(&ran, "seconds:").parse().expect("a number");
    assert!(seconds >= 3.6, "{seconds}");
}

#[test]
fn a_server_that_is_away_is_told() {
    let ran = ran(&["http://localhost:9/", "1"]);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""));
    assert!(ran.err.starts_with("reqwest_client: error sending request"), "{}", ran.err);
}

#[test]
fn bad_arguments_are_told_in_one_line() {
    for (args, expected) in [
        (&["nowhere"][..], r#"bad address "nowhere": relative URL without a base"#),
        (&["http://localhost/", "0"], r#"expected a number of calls from 1 to 1000000, not "0""#),
        (
            &["http://localhost/", "1", "0/1s"],
            r#"bad policy "0/1s": quota 0 (counted from 0) has limit 0; a limit is at least 1"#,
        ),
        (&["http://localhost/", "1", "1/1s", "5"], r#"unexpected argument "5""#),
    ] {
        assert_eq!(ran(args).refusal("reqwest_client"), expected);
    }
}
