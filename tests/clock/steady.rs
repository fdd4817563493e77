//! A counter that works: no reading is ahead of the system's clock, and none is more than `MAX_ERROR` behind.

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

/// Two readings of the system's clock in 100 us, and no more.
#[test]
fn the_system_is_asked_once_in_a_line() {
    let simulated = Simulated::started(3_000, 1);
    let began = simulated.world.now();
    let asked = simulated.readings_of_the_system(100_000);
    let lines = (simulated.world.now() - began) / (100 * US);
    assert!((2 * lines..=2 * lines + 2).contains(&asked), "asked {asked} times in {lines} lines");
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
