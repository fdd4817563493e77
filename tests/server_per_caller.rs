//! The example `server_per_caller`, as a user sees it, with fewer callers: over real sockets and in real time.

mod ran;
#[path = "../examples/server_per_caller/main.rs"]
mod server_per_caller;

use ran::Ran;
use server_per_caller::run;

fn ran(args: &[&str]) -> Ran {
    Ran::of(args.iter().copied(), |args, out, err| run(args, out, err))
}

/// The numbers of the line that begins so.
fn numbers(text: &str, begins: &str) -> Vec<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(begins)).expect("the line");
    line.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse().ok()).collect()
}

#[test]
fn every_caller_has_a_limit_of_its_own_in_the_stated_memory() {
    let ran = ran(&["8000"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    assert_eq!(numbers(&ran.out, "memory for all limits: "), [128_000]);
    assert_eq!(numbers(&ran.out, "everybody once"), [8_000, 8_000, 0]);
    let [calls, served, refused, retry_after] = numbers(&ran.out, "ten, 40 times")[..] else {
        panic!("{}", ran.out)
    };
    assert_eq!((calls, served + refused), (400, 400));
    // One call of each before, 26 at once, and what comes back in the few seconds that 400 calls may take.
    assert!((250..=300).contains(&served), "{}", ran.out);
    assert!((1..=3).contains(&retry_after), "{}", ran.out);
    assert_eq!(numbers(&ran.out, "slots in debt: ")[1], 16_000);
}

#[test]
fn what_is_no_number_of_callers_is_refused() {
    let expected = |text: &str| format!("expected a number of callers from 10 to 1000000, not {text:?}");
    for text in ["9", "1000001", "many", "-1", ""] {
        assert_eq!(ran(&[text]).refusal("server_per_caller"), expected(text));
    }
    let two = ran(&["10", "20"]).refusal("server_per_caller");
    assert_eq!(two, "expected one number of callers at the most");
}
