//! A counter that works: no reading is ahead of the system's clock, and none is more than `MAX_ERROR` behind.

use crate::anchor::{Anchor, Sample};
use crate::world::{MS, S, Simulated, US};

/// Counts in a microsecond: 20 MHz to 30 GHz.
const RATES: [u64; 6] = [20, 24, 100, 1_000, 3_293, 30_000];

#[test]
fn readings_are_right_from_the_first_at_every_rate() {
    for (seed, rate) in (0..).zip(RATES) {
        let simulated = Simulated::new(rate, seed);
        assert!(!simulated.counts(), "the rate is not known yet");
        simulated.read_right_for(30 * MS, 100);
        assert!(simulated.counts(), "{rate} counts in a microsecond");
        for gap in [1_000, 100_000, 200_000, 10 * MS, S, 1_000 * S] {
            for _ in 0..2_000 {
                simulated.world.pass(simulated.world.below(gap));
                simulated.read_right();
                simulated.read_right();
            }
        }
        assert!(simulated.counts(), "still, after readings of all gaps");
    }
}

/// Whatever lies between the readings of two samples.
#[test]
fn a_rate_is_never_above_the_average_and_hardly_below() {
    let mut random = fastrand::Rng::with_seed(1);
    for rate in RATES.into_iter().cycle().take(6_000) {
        let mut sample = |at: u64| Sample {
            before: at - random.u64(..200),
            count: at * rate / 1_000,
            after: at + random.u64(..200),
        };
        let (first, second) = (sample(S), sample(S + 8 * MS + US));
        let measured = u128::from(Anchor::NONE.after(first).after(second).rate);
        // In nanoseconds a count, times 2 to the power of 32.
        let average = (1_000_u128 << 32) / u128::from(rate);
        assert!(measured <= average, "{first:?} and {second:?}");
        assert!(measured >= average - average / 8_000, "{first:?} and {second:?}");
    }
}

/// Two readings of the system's clock in 100 us, and no more.
#[test]
fn the_system_is_asked_once_in_a_line() {
    let simulated = Simulated::started(3_000, 1);
    let began = simulated.world.now();
    let asked = simulated.readings_of_the_system(100_000);
    let lines = (simulated.world.now() - began) / (100 * US);
    assert!((2 * lines..=2 * lines + 2).contains(&asked), "asked {asked} times in {lines} lines");
}

/// A reading of the system's clock answers, and no line is made that nobody would use.
#[test]
fn a_rare_reading_costs_one_reading_of_the_system() {
    let simulated = Simulated::started(3_000, 1);
    for gap in [112 * US, 150 * US, MS, S] {
        simulated.world.pass(gap);
        simulated.read_right();
        let before = simulated.world.system_readings.get();
        for _ in 0..1_000 {
            simulated.world.pass(gap);
            simulated.read_right();
        }
        assert_eq!(simulated.world.system_readings.get() - before, 1_000, "{gap} ns apart");
    }
}

/// The first reading after a silence may be the only one. The second makes a line, and the others read by it.
#[test]
fn the_second_reading_after_a_silence_makes_a_line() {
    let simulated = Simulated::started(3_000, 1);
    let asked: [u64; 4] = [1, 2, 0, 0];
    for silence in [MS, S, 86_400 * S] {
        simulated.world.pass(silence);
        assert_eq!(asked.map(|_| simulated.readings_of_the_system(1)), asked, "after {silence} ns");
    }
}

/// A count that is too coarse for the promise, or finer than a rate can be told, is not used.
#[test]
fn a_counter_that_is_too_slow_or_too_fast_is_not_used() {
    for rate in [1, 10, 16, 70_000, 1_000_000] {
        let simulated = Simulated::new(rate, rate);
        simulated.read_right_for(100 * MS, 1_000);
        assert!(!simulated.counts(), "{rate} counts in a microsecond");
    }
}

/// The counter's rate changes at any time by up to 1000 millionths, as far as NTP's corrections reach.
#[test]
fn a_counter_may_drift() {
    for (seed, rate) in (0..).zip(RATES) {
        let simulated = Simulated::started(rate, seed);
        let world = &simulated.world;
        for _ in 0..2_000 {
            world.counter_ppm.set(500 - i64::try_from(world.below(1_001)).unwrap());
            simulated.read_right_for(world.below(MS), 200);
        }
        for ppm in [500, -500].into_iter().cycle().take(200) {
            world.counter_ppm.set(ppm);
            simulated.read_right_for(world.below(MS), 200);
        }
    }
}

#[test]
fn the_systems_clock_may_be_slewed() {
    for (seed, rate) in (10..).zip(RATES) {
        let simulated = Simulated::started(rate, seed);
        let world = &simulated.world;
        for ppm in [500, -500, 0, -500, 500, 0].into_iter().cycle().take(600) {
            world.system_ppm.set(ppm);
            simulated.read_right_for(world.below(20 * MS), 2_000);
        }
        world.system_ppm.set(0);
        simulated.read_right_for(20 * MS, 200);
        assert!(simulated.counts(), "NTP does not cost the trust in the counter");
    }
}

/// Threads are stopped between the counter and the system's clock, for up to 8 ms, again and again.
#[test]
fn readings_may_be_interrupted_anywhere() {
    for (seed, rate) in (20..).zip(RATES) {
        let simulated = Simulated::new(rate, seed);
        for one_in in [2, 10, 100, 1_000] {
            simulated.world.interrupted.set(one_in);
            simulated.read_right_for(500 * MS, 2_000);
        }
        simulated.world.interrupted.set(0);
        simulated.read_right_for(20 * MS, 100);
        assert!(simulated.counts());
    }
}
