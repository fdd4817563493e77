//! A limit holds in true time: by the clock of the operating system, whatever the limiter's own clock says.
//!
//! Each process measures the rate of its counter anew, and in one of them it may be measured badly. So the test starts
//! itself many times. `PROCESSES=200 WINDOW_MS=5000 cargo test --release --test true_time` is the long form.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tollgate::{Policy, Quota, RateLimiter};

const LIMIT: u32 = 1000;

fn number(name: &str, default: u32) -> u32 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

fn window() -> Duration {
    Duration::from_millis(u64::from(number("WINDOW_MS", 200)))
}

/// When a permit was granted: between these two instants.
struct Granted {
    after: Instant,
    before: Instant,
}

/// Takes whatever is granted until the limit is used for the second time. The permit after a full window must
/// be granted no earlier than a window after the first.
#[test]
#[ignore = "one process of the test below"]
fn one_process() {
    let policy = Policy::new(&[Quota::new(LIMIT, window())]).unwrap();
    let limiter = RateLimiter::exact(policy).unwrap();
    let mut grants = Vec::new();
    while grants.len() < 2 * LIMIT as usize {
        let after = Instant::now();
        if limiter.try_acquire().is_ok() {
            grants.push(Granted { after, before: Instant::now() });
        }
    }
    let pairs = grants.iter().zip(&grants[LIMIT as usize..]);
    let apart = pairs.map(|(first, next)| next.before - first.after).min().unwrap();
    assert!(apart >= window(), "{} calls within {apart:?}", LIMIT + 1);
}

#[test]
fn no_process_exceeds_its_limit_in_true_time() {
    let this = std::env::current_exe().unwrap();
    let start = |()| -> Child {
        Command::new(&this)
            .args(["--exact", "one_process", "--ignored", "--nocapture"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let processes = number("PROCESSES", 20);
    let mut failed = Vec::new();
    for _ in 0..processes / 2 {
        for child in [(); 2].map(start) {
            let output = child.wait_with_output().unwrap();
            if !output.status.success() {
                failed.push(String::from_utf8_lossy(&output.stderr).into_owned());
            }
        }
    }
    assert!(failed.is_empty(), "{} of {processes}: {}", failed.len(), failed.concat());
}
