//! The real counter beside the real clock of the operating system, for minutes:
//! `SOAK_SECS=180 SOAK_THREADS=4 cargo test --release --test clock -- --ignored --nocapture soak`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::anchor::MAX_ERROR;
use crate::anchored::{Anchored, Counter, System};

struct SinceStart(Instant);

impl System for SinceStart {
    fn nanos(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_nanos()).unwrap()
    }
}

impl Counter for quanta::Clock {
    fn count(&self) -> u64 {
        self.raw()
    }
}

/// How many readings were behind by so many nanoseconds, and the worst one ahead.
struct Seen {
    ahead: u64,
    behind: Vec<u64>,
}

/// Each reading between two of the system's. It is ahead if it is above the later one, behind if it is below the
/// earlier one.
fn compare(clock: &Anchored<quanta::Clock, SinceStart>, time: Duration) -> Seen {
    let mut seen = Seen { ahead: 0, behind: vec![0; 100_000] };
    let began = Instant::now();
    while began.elapsed() < time {
        for _ in 0..10_000 {
            let before = clock.system().nanos();
            let reading = clock.now();
            let after = clock.system().nanos();
            seen.ahead = seen.ahead.max(reading.saturating_sub(after));
            let behind = usize::try_from(before.saturating_sub(reading)).unwrap();
            let last = seen.behind.len() - 1;
            seen.behind[behind.min(last)] += 1;
        }
    }
    seen
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

/// A short form runs with the other tests.
#[test]
fn the_real_counter_is_right() {
    soak(Duration::from_millis(300), 2);
}

#[test]
#[ignore = "takes minutes"]
fn soak_for_minutes() {
    soak(Duration::from_secs(number("SOAK_SECS", 120)), number("SOAK_THREADS", 4));
}

fn soak(time: Duration, threads: u64) {
    let clock = Arc::new(Anchored::new(quanta::Clock::new(), SinceStart(Instant::now())));
    let start = |_| {
        let clock = Arc::clone(&clock);
        std::thread::spawn(move || compare(&clock, time))
    };
    let threads: Vec<_> = (0..threads).map(start).collect();
    let seen: Vec<Seen> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();

    let ahead = seen.iter().map(|seen| seen.ahead).max().unwrap();
    let mut behind = vec![0; seen[0].behind.len()];
    for seen in &seen {
        behind.iter_mut().zip(&seen.behind).for_each(|(sum, count)| *sum += count);
    }
    let readings: u64 = behind.iter().sum();
    let quantile = |parts: u64| {
        let mut left = readings - readings / parts;
        behind.iter().position(|&count| {
            left = left.saturating_sub(count);
            left == 0
        })
    };
    let worst = behind.iter().rposition(|&count| count > 0).unwrap();
    println!("{readings} readings by {} threads: at most {ahead} ns ahead", seen.len());
    println!(
        "behind: 50 % {:?}, 99 % {:?}, 99.99 % {:?}, all {worst} ns",
        quantile(2).unwrap(),
        quantile(100).unwrap(),
        quantile(10_000).unwrap()
    );
    assert_eq!(ahead, 0);
    assert!(worst <= usize::try_from(MAX_ERROR).unwrap());
}
