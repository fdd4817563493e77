//! A limit holds in true time: by the clock of the operating system, whatever the limiter's own clock says.
//!
//! Each process measures the rate of its counter anew, and in one of them it may be measured badly. So the test starts
//! itself many times. `PROCESSES=200 WINDOW_MS=5000 cargo test --release --test true_time` is the long form.
//!
//! Several processes run at a time, which cannot make the test fail: a process that is stopped for a while only gets its
//! next permit later. It could hide a short window, because a stopped process does not see when the window ends. So the
//! permits are spread over a time in which a process runs now and then, and a process sleeps through most of its window.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tollgate::{Policy, Quota, RateLimiter, SlidingLog};

const LIMIT: u32 = 1000;

fn number(name: &str, default: u32) -> u32 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

fn window() -> Duration {
    // A rate that is wrong by a few millionths must show beside the microsecond by which windows are longer.
    Duration::from_millis(u64::from(number("WINDOW_MS", 2_000)))
}

/// When a permit was granted: between these two instants.
struct Granted {
    after: Instant,
    before: Instant,
}

fn take(limiter: &RateLimiter<SlidingLog>) -> Granted {
    loop {
        let after = Instant::now();
        if limiter.try_acquire().is_ok() {
            return Granted { after, before: Instant::now() };
        }
    }
}

/// Takes permits for a twentieth of a window until the limit is used, and then as many again. Each of these must
/// be granted no earlier than a window after the one that it replaces.
#[test]
#[ignore = "one process of the test below"]
fn one_process() {
    let policy = Policy::new(&[Quota::new(LIMIT, window())]).unwrap();
    let limiter = RateLimiter::exact(policy).unwrap();
    let began = Instant::now();
    let mut grants = Vec::new();
    for i in 0..LIMIT {
        while began.elapsed() < window() / 20 * i / LIMIT {}
        grants.push(take(&limiter));
    }
    std::thread::sleep((window() * 9 / 10).saturating_sub(began.elapsed()));
    for _ in 0..LIMIT {
        grants.push(take(&limiter));
    }
    let pairs = grants.iter().zip(&grants[LIMIT as usize..]);
    let apart = pairs.map(|(first, next)| next.before - first.after).min().unwrap();
    assert!(apart >= window(), "{} calls within {apart:?}", LIMIT + 1);
}

#[test]
fn no_process_exceeds_its_limit_in_true_time() {
    let this = std::env::current_exe().unwrap();
    let start = || -> Child {
        Command::new(&this)
            .args(["--exact", "one_process", "--ignored", "--nocapture"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let processes = number("PROCESSES", 20);
    let running: Vec<Child> = (0..processes)
        .map(|_| {
            std::thread::sleep(window() / 8);
            start()
        })
        .collect();
    let mut failed = Vec::new();
    for child in running {
        let output = child.wait_with_output().unwrap();
        // A child that runs no test succeeds, too.
        if !output.status.success() || !String::from_utf8_lossy(&output.stdout).contains("1 passed") {
            failed.push(String::from_utf8_lossy(&output.stderr).into_owned());
        }
    }
    assert!(failed.is_empty(), "{} of {processes}: {}", failed.len(), failed.concat());
}
