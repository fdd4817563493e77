//! The example `axum_server`, as a user sees it: over real sockets and in real time.

#[path = "../examples/axum_server/main.rs"]
mod axum_server;
mod ran;

use axum_server::run;
use ran::Ran;

fn ran(args: &[&str]) -> Ran {
    Ran::of(args.iter().copied(), |args, out, err| run(args, out, err))
}

/// Calls, served, refused of the caller.
fn row(text: &str, caller: &str) -> [u64; 3] {
    let line = text.lines().find_map(|line| line.strip_prefix(caller)).expect("the row");
    let mut numbers = line.split_whitespace().filter_map(|word| word.parse().ok());
    [(); 3].map(|()| numbers.next().expect("three numbers"))
}

#[test]
fn each_caller_is_served_as_its_plan_says() {
    let ran = ran(&[]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    // 5 at once and one per 18 s, 26 and one per 2.44 s, 308 and one per 0.2 s; time passes while they call.
    for (caller, served) in
        [("no key", 5..=6), ("demo-free", 26..=30), ("demo-pro", 40..=40), ("invented", 0..=1)]
    {
        let [calls, was_served, refused] = row(&ran.out, caller);
        assert!(served.contains(&was_served), "{caller}: {}", ran.out);
        assert_eq!((calls, was_served + refused), (40, 40), "{}", ran.out);
    }
    assert!(
        ran.out.contains("told: \"50/1m\";q=50;w=60, \"1500/1h\";q=1500;w=3600, \"pace\";q=26;w=64\n"),
        "{}",
        ran.out
    );
}

#[test]
fn what_is_no_address_and_no_file_is_refused() {
    let refusal = |args: &[&str]| ran(args).refusal("axum_server");
    assert_eq!(refusal(&["here"]), "expected an address and a port such as 127.0.0.1:3000, not \"here\"");
    assert!(refusal(&["127.0.0.1:0", "/no/such/file"]).starts_with("cannot read \"/no/such/file\": "));
    assert_eq!(refusal(&["a", "b", "c"]), "expected an address and a file of plans at the most");
}
