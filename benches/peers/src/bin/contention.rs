//! Many threads on one limiter: decisions a second, and how long one decision takes.
//!
//! `cargo run --release --bin contention [MILLISECONDS [NAMES [THREADS]]]`
//!
//! - `MILLISECONDS`: how long each figure is measured. 200 by default.
//! - `NAMES`, such as `strict|governor`: only contenders whose name contains one of these.
//! - `THREADS`: the numbers of threads. `1,2,4,8,16` by default.
//!
//! This takes a few seconds: `contention 100 "strict|exact|deque|governor" 2`.
//!
//! The clock is the same for all and costs next to nothing. It is a cell. Where calls are refused, it stands still. Where they
//! are granted, each thread moves it once in `CHUNK` calls. Every figure except the maximum is the median of several
//! rounds. Each round measures all contenders one after another, so that a slow phase of the machine hits all of them.
//! Latency is measured in runs of its own, with each call between two readings of the CPU's counter. Runs with more
//! threads than cores show what happens to the others when a thread is stopped in the middle of a decision.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use tollgate::Policy;
use tollgate_peers::contender::{Contender, Limiter, contenders};
use tollgate_peers::machine::Machine;

const THREADS: &str = "1,2,4,8,16";
const ROUNDS: u32 = 9;
const QUANTILES: [f64; 4] = [0.5, 0.99, 0.999, 0.9999];
/// Calls between two looks at the stop sign.
const CHUNK: u64 = 32;

#[derive(Clone, Copy, PartialEq)]
enum Mix {
    Grants,
    Refusals,
}

impl Mix {
    /// Grants: bursts of a thousand, so that all threads together stay within it between two moves of the hand.
    fn policy(self) -> Policy {
        match self {
            Mix::Grants => "2000/1m, 60000/1h".parse().expect("a policy"),
            Mix::Refusals => Policy::MICROSOFT_365_DEFENDER,
        }
    }

    /// The time that one call takes off the clock, in nanoseconds.
    fn step(self) -> u64 {
        if self == Mix::Grants { 100_000_000 } else { 0 }
    }

    fn prepare(self, contender: &Contender) -> Box<dyn Limiter> {
        let limiter = contender.fixed.expect("contention needs the fixed clock")(&self.policy());
        limiter.set(1_000_000_000_000);
        match self {
            // Every log is full and every page touched.
            Mix::Grants => {
                for _ in 0..140_000 {
                    limiter.advance(self.step());
                    assert!(limiter.decide(), "{}", contender.name);
                }
            }
            Mix::Refusals => {
                while limiter.decide() {}
                assert!(!limiter.decide(), "{}", contender.name);
            }
        }
        limiter
    }

    /// A grant may be refused to a thread that read the clock and was then stopped for long: its time is stale.
    fn check(self, name: &str, calls: u64, granted: u64) {
        let unexpected = if self == Mix::Grants { calls - granted } else { granted };
        assert!(
            unexpected <= calls / 50 + 32,
            "{name}: {unexpected} of {calls} decisions were not the expected"
        );
    }
}

/// Runs `work` on `threads` threads until `length` has passed; it returns the results and the time that passed.
fn together<R: Send>(
    threads: usize,
    length: Duration,
    work: impl Fn(&AtomicBool) -> R + Sync,
) -> (Vec<R>, Duration) {
    let (stop, start) = (AtomicBool::new(false), Barrier::new(threads + 1));
    thread::scope(|scope| {
        let spawn = |_| {
            scope.spawn(|| {
                start.wait();
                work(&stop)
            })
        };
        let workers: Vec<_> = (0..threads).map(spawn).collect();
        start.wait();
        let began = Instant::now();
        thread::sleep(length);
        stop.store(true, Relaxed);
        let results = workers.into_iter().map(|worker| worker.join().expect("a worker")).collect();
        (results, began.elapsed())
    })
}

/// Decisions a second, in millions.
fn throughput(contender: &Contender, mix: Mix, threads: usize, length: Duration) -> f64 {
    let limiter = mix.prepare(contender);
    let (counts, took) = together(threads, length, |stop| {
        let (mut calls, mut granted) = (0, 0);
        while !stop.load(Relaxed) {
            if mix == Mix::Grants {
                limiter.advance(CHUNK * mix.step());
            }
            granted += limiter.repeat(CHUNK);
            calls += CHUNK;
        }
        (calls, granted)
    });
    let (calls, granted) = counts.iter().fold((0, 0), |sum, count| (sum.0 + count.0, sum.1 + count.1));
    mix.check(contender.name, calls, granted);
    #[expect(clippy::cast_precision_loss, reason = "a rate to show")]
    let rate = calls as f64 / took.as_secs_f64() / 1e6;
    rate
}

fn latency(contender: &Contender, mix: Mix, threads: usize, length: Duration) -> Histogram<u64> {
    let limiter = mix.prepare(contender);
    let clock = quanta::Clock::new();
    let (parts, _) = together(threads, length, |stop| {
        let mut histogram = Histogram::<u64>::new(3).expect("three digits");
        let (mut calls, mut granted) = (0, 0);
        while !stop.load(Relaxed) {
            if mix == Mix::Grants {
                limiter.advance(CHUNK * mix.step());
            }
            for _ in 0..CHUNK {
                let before = clock.raw();
                granted += u64::from(limiter.decide());
                let after = clock.raw();
                histogram.record(clock.delta_as_nanos(before, after)).expect("a histogram that grows");
            }
            calls += CHUNK;
        }
        (histogram, calls, granted)
    });
    let mut sum = Histogram::<u64>::new(3).expect("three digits");
    let (mut calls, mut granted) = (0, 0);
    for (part, called, passed) in &parts {
        sum.add(part).expect("a histogram that grows");
        calls += called;
        granted += passed;
    }
    mix.check(contender.name, calls, granted);
    sum
}

fn median<T: Copy + PartialOrd>(values: &[T]) -> T {
    let mut values = values.to_vec();
    values.sort_by(|a, b| a.partial_cmp(b).expect("no NaN"));
    values[values.len() / 2]
}

/// What was measured of one contender with so many threads, a value a round.
#[derive(Clone, Default)]
struct Figures {
    rates: Vec<f64>,
    quantiles: [Vec<u64>; QUANTILES.len()],
    max: u64,
}

fn measure(contenders: &[Contender], mix: Mix, threads: &[usize], length: Duration) -> Vec<Vec<Figures>> {
    let mut all = vec![vec![Figures::default(); threads.len()]; contenders.len()];
    for _ in 0..ROUNDS {
        for (contender, row) in contenders.iter().zip(&mut all) {
            for (&threads, figures) in threads.iter().zip(row) {
                figures.rates.push(throughput(contender, mix, threads, length / ROUNDS));
                let latency = latency(contender, mix, threads, length / ROUNDS);
                for (values, quantile) in figures.quantiles.iter_mut().zip(QUANTILES) {
                    values.push(latency.value_at_quantile(quantile));
                }
                figures.max = figures.max.max(latency.max());
            }
        }
    }
    all
}

fn main() {
    let mut args = std::env::args().skip(1);
    let length = args.next().map_or(200, |text| text.parse().expect("milliseconds"));
    let length = Duration::from_millis(length);
    let names = args.next().unwrap_or_default();
    let threads = args.next().unwrap_or_else(|| THREADS.to_owned());
    let threads: Vec<_> =
        threads.split(',').map(|count| count.parse().expect("a number of threads")).collect();
    let named = |contender: &Contender| names.split('|').any(|name| contender.name.contains(name));
    let contenders: Vec<_> = contenders().into_iter().filter(|one| one.contends && named(one)).collect();

    println!("machine: {}", Machine::here());
    for (mix, title) in [(Mix::Refusals, "refusals"), (Mix::Grants, "grants")] {
        let all = measure(&contenders, mix, &threads, length);
        println!("\n## {title}: million decisions a second, by threads\n");
        print!("| {:<34} |", "limiter");
        for threads in &threads {
            print!(" {threads:>6} |");
        }
        println!("\n|{}|{}", "-".repeat(36), "-------:|".repeat(threads.len()));
        for (contender, row) in contenders.iter().zip(&all) {
            print!("| {:<34} |", contender.name);
            for figures in row {
                print!(" {:>6.1} |", median(&figures.rates));
            }
            println!();
        }

        println!("\n## {title}: nanoseconds a decision, two readings of the clock included\n");
        println!(
            "| {:<34} | threads | {:>6} | {:>7} | {:>8} | {:>8} | {:>9} |",
            "limiter", "p50", "p99", "p99.9", "p99.99", "max"
        );
        println!("|{}|--------:|-------:|--------:|---------:|---------:|----------:|", "-".repeat(36));
        for (contender, row) in contenders.iter().zip(&all) {
            for (threads, figures) in threads.iter().zip(row) {
                let [p50, p99, p999, p9999] = figures.quantiles.each_ref().map(|values| median(values));
                println!(
                    "| {:<34} | {threads:>7} | {p50:>6} | {p99:>7} | {p999:>8} | {p9999:>8} | {:>9} |",
                    contender.name, figures.max
                );
            }
        }
    }
}
