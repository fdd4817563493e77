//! A limit for each of many keys: the time of a decision, the memory of a key, and what a flood does.
//!
//! `cargo run --release --bin keyed [SECTION [ROUNDS]]`; sections are `time`, `threads`, `tails`, `memory` and `flood`.
//!
//! Every time is the median of interleaved rounds, for keys that are all known already and calls that are all granted,
//! and each round checks that they were. The keys are 64-bit numbers, each limiter hashes them with its own default
//! hasher. Time is a hand that is moved between chunks of calls; `real` reads the CPU's counter besides.

use std::hint::black_box;
use std::sync::Barrier;
use std::thread;
use std::time::Instant;

use allocation_counter::measure;
use hdrhistogram::Histogram;
use tollgate::Plan;
use tollgate_peers::clock::Fixed;
use tollgate_peers::keyed::{Build, Contender, Keyed, Order, contenders, tollgate_slots};
use tollgate_peers::machine::Machine;

/// Calls between two moves of the hand.
const CHUNK: usize = 32;
/// Roomy enough that all threads together stay within the burst between two moves.
fn roomy() -> Plan {
    Plan::new("2000/1m, 60000/1h".parse().expect("a policy")).expect("a plan")
}

#[derive(Clone, Copy)]
struct Scene {
    name: &'static str,
    keys: usize,
    zipf: bool,
    calls: usize,
}

const SCENES: [Scene; 4] = [
    Scene { name: "1,000,000 keys", keys: 1_000_000, zipf: false, calls: 1 << 20 },
    Scene { name: "1,000,000, Zipf", keys: 1_000_000, zipf: true, calls: 1 << 20 },
    Scene { name: "1,000 keys", keys: 1_000, zipf: false, calls: 1 << 20 },
    Scene { name: "one key", keys: 1, zipf: false, calls: 1 << 20 },
];

impl Scene {
    /// Which key calls when; the same for all limiters.
    fn sequence(&self, seed: u64) -> Vec<u64> {
        let mut rng = fastrand::Rng::with_seed(seed);
        if !self.zipf {
            return (0..self.calls).map(|_| rng.u64(0..self.keys as u64)).collect();
        }
        // Zipf's law with exponent 1: the key of rank r has the share 1/r of the first.
        let mut sums = Vec::with_capacity(self.keys);
        let mut sum = 0.0;
        for rank in 1..=self.keys {
            #[expect(clippy::cast_precision_loss, reason = "a million")]
            let share = 1.0 / rank as f64;
            sum += share;
            sums.push(sum);
        }
        let draw = |_| {
            let at = rng.f64() * sum;
            sums.partition_point(|&sum| sum < at) as u64
        };
        (0..self.calls).map(draw).collect()
    }

    /// By how much the hand moves for each call: the most popular key regains what it uses.
    fn step(&self) -> u64 {
        let most_popular = if self.zipf { 14 } else { self.keys as u64 };
        120_000_000 / most_popular
    }

    fn prepare(&self, build: Build) -> Box<dyn Keyed> {
        let limiter = build(&Order { keys: self.keys, plan: roomy() });
        for key in 0..self.keys as u64 {
            assert!(limiter.take(key, 1));
        }
        limiter
    }
}

fn run(limiter: &dyn Keyed, keys: &[u64], step: u64) -> u64 {
    let mut granted = 0;
    for chunk in keys.chunks(CHUNK) {
        limiter.advance(CHUNK as u64 * step);
        granted += limiter.run(chunk);
    }
    granted
}

/// Nanoseconds from the start of all threads to the end of the last, for one call of each thread.
fn together(limiter: &dyn Keyed, sequences: &[Vec<u64>], step: u64, name: &str) -> f64 {
    let barrier = Barrier::new(sequences.len());
    let began_and_ended: Vec<(Instant, Instant, u64)> = thread::scope(|scope| {
        let spawn = |keys: &'_ Vec<u64>| {
            let (barrier, keys) = (&barrier, keys.clone());
            scope.spawn(move || {
                barrier.wait();
                let began = Instant::now();
                let granted = run(limiter, &keys, step);
                (began, Instant::now(), granted)
            })
        };
        let threads: Vec<_> = sequences.iter().map(spawn).collect();
        threads.into_iter().map(|thread| thread.join().expect("a worker")).collect()
    });
    let calls: usize = sequences.iter().map(Vec::len).sum();
    let granted: u64 = began_and_ended.iter().map(|part| part.2).sum();
    assert!(calls as u64 - granted <= calls as u64 / 50, "{name}: {granted} of {calls} were granted");
    let began = began_and_ended.iter().map(|part| part.0).min().expect("a thread");
    let ended = began_and_ended.iter().map(|part| part.1).max().expect("a thread");
    #[expect(clippy::cast_precision_loss, reason = "a time to show")]
    let nanos = (ended - began).as_nanos() as f64 / sequences[0].len() as f64;
    nanos
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn times(threads: usize, rounds: usize, builds: &[(&str, fn(&Contender) -> Build)]) {
    for (clock, build) in builds {
        println!("\n## {clock} clock, {threads} thread(s): nanoseconds for one decision of each thread\n");
        print!("| {:<30} |", "limiter");
        for scene in SCENES {
            print!(" {:>15} |", scene.name);
        }
        println!("\n|{}|{}", "-".repeat(32), "----------------:|".repeat(SCENES.len()));
        let contenders = contenders();
        let mut rows = vec![Vec::new(); contenders.len()];
        for scene in SCENES {
            let sequences: Vec<Vec<u64>> = (0..threads as u64).map(|seed| scene.sequence(seed)).collect();
            let limiters: Vec<_> = contenders.iter().map(|one| scene.prepare(build(one))).collect();
            let mut seen = vec![Vec::new(); contenders.len()];
            for _ in 0..rounds {
                for ((seen, limiter), one) in seen.iter_mut().zip(&limiters).zip(&contenders) {
                    seen.push(together(&**limiter, &sequences, scene.step(), one.name));
                }
            }
            for (row, seen) in rows.iter_mut().zip(seen) {
                row.push(median(seen));
            }
        }
        let best = rows[0].clone();
        for (one, row) in contenders.iter().zip(rows) {
            print!("| {:<30} |", one.name);
            for (nanos, ours) in row.iter().zip(&best) {
                print!(" {nanos:>6.1} ({:>4.2}x) |", nanos / ours);
            }
            println!();
        }
    }
}

fn tails() {
    const THREADS: u64 = 8;
    println!(
        "\n## {THREADS} threads, 1,000 keys: nanoseconds a decision, two readings of the clock included\n"
    );
    println!(
        "| {:<30} | {:>6} | {:>7} | {:>8} | {:>8} | {:>9} |",
        "limiter", "p50", "p99", "p99.9", "p99.99", "max"
    );
    println!("|{}|-------:|--------:|---------:|---------:|----------:|", "-".repeat(32));
    let scene = Scene { calls: 1 << 18, ..SCENES[2] };
    for one in contenders() {
        let limiter = scene.prepare(one.fixed);
        let clock = quanta::Clock::new();
        let barrier = Barrier::new(usize::try_from(THREADS).expect("few"));
        let parts: Vec<Histogram<u64>> = thread::scope(|scope| {
            let spawn = |seed| {
                let (limiter, clock, barrier) = (&*limiter, &clock, &barrier);
                scope.spawn(move || {
                    let keys = scene.sequence(seed);
                    let mut histogram = Histogram::<u64>::new(3).expect("three digits");
                    barrier.wait();
                    for chunk in keys.chunks(CHUNK) {
                        limiter.advance(CHUNK as u64 * scene.step());
                        for &key in chunk {
                            let before = clock.raw();
                            black_box(limiter.take(key, 1));
                            let after = clock.raw();
                            let nanos = clock.delta_as_nanos(before, after);
                            histogram.record(nanos).expect("a histogram that grows");
                        }
                    }
                    histogram
                })
            };
            let threads: Vec<_> = (0..THREADS).map(spawn).collect();
            threads.into_iter().map(|thread| thread.join().expect("a worker")).collect()
        });
        let mut sum = Histogram::<u64>::new(3).expect("three digits");
        for part in parts {
            sum.add(part).expect("a histogram that grows");
        }
        println!(
            "| {:<30} | {:>6} | {:>7} | {:>8} | {:>8} | {:>9} |",
            one.name,
            sum.value_at_quantile(0.5),
            sum.value_at_quantile(0.99),
            sum.value_at_quantile(0.999),
            sum.value_at_quantile(0.9999),
            sum.max()
        );
    }
}

fn memory() {
    const KEYS: usize = 1_000_000;
    println!("\n## memory of {KEYS} keys, and the time to build and to fill\n");
    println!(
        "| {:<30} | bytes, empty | bytes, filled | a key | build ms | first call ns | bound |",
        "limiter"
    );
    println!("|{}|-------------:|--------------:|------:|---------:|--------------:|---|", "-".repeat(32));
    for one in contenders() {
        let order = Order { keys: KEYS, plan: roomy() };
        let mut limiter = None;
        let (mut built, mut filled) = (0.0, 0.0);
        let empty = measure(|| {
            let began = Instant::now();
            limiter = Some((one.fixed)(&order));
            built = began.elapsed().as_secs_f64() * 1e3;
        });
        let limiter = limiter.expect("built");
        let more = measure(|| {
            let began = Instant::now();
            for key in 0..KEYS as u64 {
                assert!(limiter.take(key, 1));
            }
            #[expect(clippy::cast_precision_loss, reason = "a million")]
            let nanos = began.elapsed().as_secs_f64() * 1e9 / KEYS as f64;
            filled = nanos;
        });
        let all = empty.bytes_current + more.bytes_current;
        #[expect(clippy::cast_precision_loss, reason = "figures to show")]
        let a_key = all as f64 / KEYS as f64;
        println!(
            "| {:<30} | {:>12} | {all:>13} | {a_key:>5.1} | {built:>8.2} | {filled:>13.1} | {} |",
            one.name, empty.bytes_current, one.bound
        );
    }
}

/// Callers who have used their burst, then a flood, then newcomers.
struct Flooded {
    name: String,
    bytes: i64,
    /// Of 1,000 limited callers: whom the flood gave a permit.
    reset: usize,
    /// Of 10,000 newcomers, in percent.
    refused: f64,
    /// How many permits a newcomer gets at once, on average.
    burst: f64,
}

fn flooded(name: &str, build: impl FnOnce() -> Box<dyn Keyed>, hostile: u64, n: u32) -> Flooded {
    const LIMITED: u64 = 1_000;
    const NEWCOMERS: u64 = 10_000;
    let mut limiter = None;
    let empty = measure(|| limiter = Some(build()));
    let limiter = limiter.expect("built");
    let mut reset = 0;
    let mut flooded = 0;
    let more = measure(|| {
        for key in 0..LIMITED {
            assert!(limiter.take(key, 26), "{name}");
            assert!(!limiter.take(key, 1), "{name}");
        }
        flooded = (0..hostile).filter(|key| limiter.take((1 << 40) + key, n)).count();
        reset = (0..LIMITED).filter(|&key| limiter.take(key, 1)).count();
    });
    black_box(flooded);
    let got: Vec<u32> = (0..NEWCOMERS)
        .map(|key| (0..26).take_while(|_| limiter.take((1 << 50) + key, 1)).count() as u32)
        .collect();
    let refused = got.iter().filter(|&&got| got == 0).count();
    #[expect(clippy::cast_precision_loss, reason = "figures to show")]
    let (refused, burst) =
        (refused as f64 * 100.0 / NEWCOMERS as f64, f64::from(got.iter().sum::<u32>()) / NEWCOMERS as f64);
    Flooded { name: name.to_owned(), bytes: empty.bytes_current + more.bytes_current, reset, refused, burst }
}

/// At the memory that rate-net takes for 100,000 keys.
fn flood() {
    const CAP: usize = 100_000;
    let plan = Plan::new(tollgate::Policy::MICROSOFT_365_DEFENDER).expect("a plan");
    let find = |name: &str| contenders().into_iter().find(|one| one.name == name).expect("a contender");
    let bytes_of = |one: &Contender, keys: usize| {
        let filled = measure(|| {
            let limiter = (one.fixed)(&Order { keys, plan });
            for key in 0..keys as u64 {
                limiter.take(key, 1);
            }
            std::mem::forget(limiter);
        });
        usize::try_from(filled.bytes_current).expect("some memory")
    };
    let (rate_net, throttle_net) = (find("rate-net"), find("throttle-net, PerKey"));
    let bytes = bytes_of(&rate_net, CAP);
    let throttle_keys = CAP * bytes / bytes_of(&throttle_net, CAP);
    for (title, hostile, n) in [
        ("1,000,000 hostile keys, one call each", 10 * CAP, 1),
        ("900,000 hostile keys, the whole burst each", 9 * CAP, 26),
        ("ten hostile keys for each of our slots, one call each", 10 * bytes / 8, 1),
    ] {
        println!("\n## a flood of {title}, at {bytes} bytes\n");
        println!(
            "| {:<30} | bytes after | limited callers reset, of 1000 | newcomers refused | burst left of 26 |",
            "limiter"
        );
        println!(
            "|{}|------------:|-------------------------------:|------------------:|-----------------:|",
            "-".repeat(32)
        );
        let hostile = hostile as u64;
        let rows = [
            flooded("tollgate, keyed table", || tollgate_slots::<Fixed>(plan, bytes / 8), hostile, n),
            flooded(rate_net.name, || (rate_net.fixed)(&Order { keys: CAP, plan }), hostile, n),
            flooded(
                throttle_net.name,
                || (throttle_net.fixed)(&Order { keys: throttle_keys, plan }),
                hostile,
                n,
            ),
            flooded(
                "governor, dashmap",
                || (find("governor, dashmap").fixed)(&Order { keys: CAP, plan }),
                hostile,
                n,
            ),
        ];
        for Flooded { name, bytes, reset, refused, burst } in rows {
            println!("| {name:<30} | {bytes:>11} | {reset:>30} | {refused:>15.2} % | {burst:>16.1} |");
        }
    }
}

fn main() {
    let mut args = std::env::args().skip(1);
    let section = args.next().unwrap_or_default();
    let rounds = args.next().map_or(5, |text| text.parse().expect("a number of rounds"));
    let wanted = |name: &str| section.is_empty() || section == name;
    println!("machine: {}", Machine::here());
    if wanted("time") {
        times(1, rounds, &[("fixed", |one| one.fixed), ("real", |one| one.real)]);
    }
    if wanted("threads") {
        times(2, rounds, &[("fixed", |one| one.fixed)]);
    }
    if wanted("tails") {
        tails();
    }
    if wanted("memory") {
        memory();
    }
    if wanted("flood") {
        flood();
    }
}
