//! One table: every limiter beside the strict bucket, on a fixed clock and on a real one, and whether it keeps the rule.
//!
//! `cargo run --release --bin report [FILE.svg]` prints the table. With a file, it draws the table, too.
//!
//! In each round, every limiter runs every figure once. Its time is divided by that of the strict bucket in the same
//! round and on the same clock. A figure is the median of the rounds. The spread is that of the middle half.

use std::time::{Duration, Instant};

use plotters::prelude::*;
use tollgate::Policy;
use tollgate_peers::clock::{As, Fixed, Hand, Os, Time, Tsc};
use tollgate_peers::contender::{Build, Contender, Limiter, NO_CLOCK, contenders};
use tollgate_peers::machine::Machine;
use tollgate_peers::replay::{worst_count_live, worst_counts};

const ROUNDS: usize = 101;
/// Slower than 1500 an hour: every call is granted.
const PACE: u64 = 2_500_000_000;
const START: u64 = 7_200_000_000_000;
/// About as long as one figure of one round takes.
const SLICE: Duration = Duration::from_micros(300);

/// What is measured of each limiter.
const COLUMNS: [&str; 4] =
    ["grant, fixed clock", "refusal, fixed clock", "grant, real clock", "refusal, real clock"];

/// One figure of one limiter.
struct Series {
    limiter: Box<dyn Limiter>,
    now: u64,
    grants: bool,
    calls: u64,
    /// Nanoseconds a call, one per round.
    times: Vec<f64>,
}

impl Series {
    fn new(build: Build, grants: bool, policy: &Policy) -> Series {
        let limiter = build(policy);
        let mut series = Series { limiter, now: START, grants, calls: 1, times: Vec::new() };
        if grants {
            // Once round the ring and the deque.
            assert_eq!(series.limiter.run(series.now, PACE, 5_000), 5_000);
            series.now += 5_000 * PACE;
        }
        let began = Instant::now();
        series.one(100);
        let each = began.elapsed().max(Duration::from_nanos(100)) / 100;
        series.calls =
            u64::try_from(SLICE.as_nanos() / each.as_nanos().max(1)).unwrap_or(0).clamp(50, 200_000);
        series
    }

    /// `None` if a call was not decided as expected: under a real clock a permit comes back now and then.
    fn one(&mut self, calls: u64) -> Option<f64> {
        let step = if self.grants { PACE } else { 0 };
        if !self.grants {
            self.limiter.set(self.now);
            while self.limiter.decide() {}
        }
        let began = Instant::now();
        let granted = self.limiter.run(self.now, step, calls);
        let took = began.elapsed();
        self.now += step * calls;
        let expected = if self.grants { calls } else { 0 };
        #[expect(clippy::cast_precision_loss, reason = "a time to show")]
        let each = took.as_secs_f64() * 1e9 / calls as f64;
        (granted == expected).then_some(each)
    }

    fn round(&mut self, name: &str) {
        let time = (0..5).find_map(|_| self.one(self.calls));
        self.times.push(time.unwrap_or_else(|| panic!("{name} does not decide as expected")));
    }
}

/// The quartiles: a quarter, the median, three quarters.
fn quartiles(mut values: Vec<f64>) -> [f64; 3] {
    values.sort_by(f64::total_cmp);
    [1, 2, 3].map(|quarter| values[(values.len() - 1) * quarter / 4])
}

/// One row of the table: for each column the nanoseconds and the ratio, where there are any.
struct Row {
    name: &'static str,
    told: &'static str,
    clock: &'static str,
    figures: [Option<([f64; 3], [f64; 3])>; 4],
    worst: String,
}

/// What a limiter that cannot be given a clock keeps for as long as it is timed: too large a rule to be exhausted.
fn generous() -> Policy {
    "2000000000/1m, 4000000000/1h".parse().expect("a policy")
}

fn measure(contenders: &[Contender], policy: &Policy) -> Vec<[Option<Series>; 4]> {
    let mut all: Vec<[Option<Series>; 4]> = contenders
        .iter()
        .map(|one| {
            // Without a hand on the clock grants in real time need a larger rule.
            let grants = if one.fixed.is_some() { *policy } else { generous() };
            [
                one.fixed.map(|build| Series::new(build, true, policy)),
                one.fixed.map(|build| Series::new(build, false, policy)),
                Some(Series::new(one.real, true, &grants)),
                Some(Series::new(one.real, false, policy)),
            ]
        })
        .collect();
    for round in 0..ROUNDS {
        for place in 0..all.len() {
            // Every round begins elsewhere, so that nobody always follows the same neighbour.
            let place = (place + round * 7) % contenders.len();
            for series in all[place].iter_mut().flatten() {
                series.round(contenders[place].name);
            }
        }
    }
    all
}

fn rows(contenders: &[Contender], policy: &Policy) -> Vec<Row> {
    let all = measure(contenders, policy);
    let baseline = |clock: &str, column: usize| {
        let place =
            if column < 2 { 0 } else { contenders.iter().position(|one| one.clock == clock).unwrap_or(0) };
        all[place][column].as_ref().map(|series| &series.times)
    };
    let row = |(one, series): (&Contender, &[Option<Series>; 4])| {
        let figures = std::array::from_fn(|column| {
            let times = &series[column].as_ref()?.times;
            let ratios = times.iter().zip(baseline(one.clock, column)?).map(|(time, base)| time / base);
            Some((quartiles(times.clone()), quartiles(ratios.collect())))
        });
        Row { name: one.name, told: one.told, clock: one.clock, figures, worst: worst(one, policy) }
    };
    contenders.iter().zip(&all).map(row).collect()
}

fn worst(one: &Contender, policy: &Policy) -> String {
    if let Some(build) = one.fixed {
        let counts = worst_counts(build, policy);
        let kept = counts.iter().zip(policy.quotas()).all(|(&count, quota)| count <= quota.limit() as usize);
        return format!("{} and {}: {}", counts[0], counts[1], if kept { "yes" } else { "no" });
    }
    // Scaled to what its own clock can show in seconds.
    let (policy, window): (Policy, _) = ("50/1s".parse().expect("a policy"), Duration::from_secs(1));
    let limiter = (one.real)(&policy);
    let count = worst_count_live(&*limiter, window);
    format!("{count} of 50/1s, live: {}", if count <= 50 { "not caught" } else { "no" })
}

fn print(rows: &[Row]) {
    print!("| {:<34} | {:<11} | {:<7} |", "limiter", "told", "clock");
    for column in COLUMNS {
        print!(" {column:<29} |");
    }
    println!(" most in a minute and in an hour: keeps the rule? |");
    println!("|{}{}---|", "---|".repeat(3), "--:|".repeat(4));
    for row in rows {
        print!("| {:<34} | {:<11} | {:<7} |", row.name, row.told, row.clock);
        for figure in row.figures {
            match figure {
                Some((ns, ratio)) => {
                    let text = format!("{:.1} ns, {:.2}x ({:.2}-{:.2})", ns[1], ratio[1], ratio[0], ratio[2]);
                    print!(" {text:<29} |");
                }
                None => print!(" {NO_CLOCK:<29} |"),
            }
        }
        println!(" {} |", row.worst);
    }
}

/// The median nanoseconds of `call`, of as many rounds.
fn bare(mut call: impl FnMut() -> u64) -> f64 {
    const CALLS: u32 = 10_000;
    let rounds = (0..ROUNDS).map(|_| {
        let began = Instant::now();
        for _ in 0..CALLS {
            std::hint::black_box(call());
        }
        began.elapsed().as_secs_f64() * 1e9 / f64::from(CALLS)
    });
    quartiles(rounds.collect())[1]
}

fn print_bare_costs() {
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
    let hand = Hand::default();
    let (fixed, tsc, os) = (Fixed::new(&hand), Tsc::new(&hand), Os::new(&hand));
    let (word, lock) = (AtomicU64::new(0), parking_lot::Mutex::new(0_u64));
    let mut now = 0;
    let mut moved = || {
        now += PACE;
        hand.set(now);
    };
    println!("bare costs, in nanoseconds:");
    let empty = bare(|| {
        moved();
        fixed.nanos()
    });
    println!("  moving and reading the fixed clock, in every figure above: {empty:.1}");
    let quanta = tollgate::Quanta::new();
    let reading = bare(|| tollgate::Clock::now(&quanta).as_nanos());
    println!("  a reading of quanta {reading:.1} (with the hand {:.1})", bare(|| tsc.nanos()));
    let reading = bare(|| tollgate::Clock::now(&As(os.clone())).as_nanos());
    println!("  a reading of Instant, with the hand, {reading:.1}");
    let mut old = 0;
    let swap = bare(|| {
        old += 1;
        u64::from(std::hint::black_box(&word).compare_exchange(old - 1, old, Relaxed, Relaxed).is_ok())
    });
    let load = bare(|| std::hint::black_box(&word).load(Relaxed));
    let locked = bare(|| {
        let mut value = std::hint::black_box(&lock).lock();
        *value += 1;
        *value
    });
    println!(
        "  one compare-and-swap {swap:.1}, one load {load:.1}, one parking_lot lock and unlock {locked:.1}"
    );
    println!("whole limiters on the default clock, against its reading and one CAS, or one load:");
    let mut old = word.load(Relaxed);
    let grant = bare(|| {
        let now = tollgate::Clock::now(&quanta).as_nanos();
        let swapped = std::hint::black_box(&word).compare_exchange(old, now, Relaxed, Relaxed).is_ok();
        old = now;
        u64::from(swapped)
    });
    let refusal = bare(|| {
        u64::from(tollgate::Clock::now(&quanta).as_nanos() > std::hint::black_box(&word).load(Relaxed))
    });
    println!("  reading and CAS {grant:.1}, reading and load {refusal:.1}");
    let policy = generous();
    let limiter = tollgate::RateLimiter::strict(policy).expect("a strict bucket");
    let time = bare(|| u64::from(std::hint::black_box(&limiter.try_acquire()).is_ok()));
    println!("  strict bucket, grant {time:.1}: {:.2}x", time / grant);
    let limiter =
        tollgate::RateLimiter::strict("1/1d, 30/40d".parse().expect("a policy")).expect("a strict bucket");
    while limiter.try_acquire().is_ok() {}
    let time = bare(|| u64::from(std::hint::black_box(&limiter.try_acquire()).is_ok()));
    println!("  strict bucket, refusal {time:.1}: {:.2}x", time / refusal);
}

/// Bars of nanoseconds on a fixed clock, grants and refusals, on a logarithmic scale.
fn draw(rows: &[Row], machine: &Machine, file: &str) -> Result<(), Box<dyn std::error::Error>> {
    let drawn = |row: &&Row| row.figures[0].is_some() && !row.name.ends_with("(Instant)");
    let rows: Vec<_> = rows.iter().filter(drawn).collect();
    let height = 90 + 34 * u32::try_from(rows.len())?;
    let root = SVGBackend::new(file, (900, height)).into_drawing_area();
    root.fill(&WHITE)?;
    let count = f64::from(u32::try_from(rows.len())?);
    let caption = format!("Nanoseconds a decision, fixed clock, one thread ({machine})");
    let mut chart = ChartBuilder::on(&root)
        .caption(caption, ("sans-serif", 15))
        .margin(10)
        .x_label_area_size(30)
        .y_label_area_size(10)
        .build_cartesian_2d((1_f64..2_000_f64).log_scale(), 0_f64..count)?;
    chart.configure_mesh().disable_y_axis().disable_y_mesh().draw()?;
    for (top, row) in (1..=rows.len()).rev().zip(&rows) {
        let top = f64::from(u32::try_from(top)?);
        for (column, colour, offset) in [(0, RGBColor(31, 90, 160), 0.45), (1, RGBColor(200, 120, 40), 0.75)]
        {
            let Some((ns, _)) = row.figures[column] else { continue };
            let bar = [(1.0, top - offset), (ns[1].max(1.05), top - offset - 0.22)];
            chart.draw_series([Rectangle::new(bar, colour.filled())])?;
        }
        let keeps = if row.worst.ends_with("yes") { "keeps the rule" } else { "does not keep the rule" };
        let label = format!("{} - {keeps}", row.name);
        chart.draw_series([Text::new(label, (1.05, top - 0.12), ("sans-serif", 12))])?;
    }
    for (name, colour, at) in
        [("grant", RGBColor(31, 90, 160), 300.0), ("refusal", RGBColor(200, 120, 40), 700.0)]
    {
        chart.draw_series([Text::new(
            name,
            (at, count - 0.1),
            ("sans-serif", 13).into_font().color(&colour),
        )])?;
    }
    root.present()?;
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let policy = Policy::MICROSOFT_365_DEFENDER;
    let contenders = contenders();
    let machine = Machine::here();
    println!("rule: {policy}; machine: {machine}; {ROUNDS} paired rounds");
    println!(
        "each figure: median nanoseconds a call, ratio to the strict bucket on the same clock (middle half)\n"
    );
    let rows = rows(&contenders, &policy);
    print(&rows);
    println!();
    print_bare_costs();
    if let Some(file) = std::env::args().nth(1) {
        draw(&rows, &machine, &file)?;
        println!("\nchart: {file}");
    }
    Ok(())
}
