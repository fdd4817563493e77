//! A counter that does not work: which faults are noticed, when, and what readings say until then.

use crate::anchor::{Anchor, Line, Sample};
use crate::world::{MS, Off, S, Simulated, US};

/// Counts in a microsecond.
const RATE: u64 = 3_000;

/// A line, and the reading that finds its end.
const LINE: u64 = 102 * US;

fn counts_of(nanos: u64) -> i64 {
    i64::try_from(nanos * RATE / 1_000).unwrap()
}

/// The largest errors of readings for some time.
fn worst(simulated: &Simulated, nanos: u64) -> Off {
    let end = simulated.world.now() + nanos;
    let mut worst = Off::default();
    while simulated.world.now() < end {
        let off = simulated.read();
        worst = Off { ahead: worst.ahead.max(off.ahead), behind: worst.behind.max(off.behind) };
        simulated.world.pass(simulated.world.below(100));
    }
    worst
}

/// The counter is not used for the time that a fault costs, and then again.
pub(crate) fn is_distrusted_for(simulated: &Simulated, nanos: u64) {
    simulated.read_right_for(nanos - 10 * MS, MS);
    assert!(!simulated.counts(), "distrusted");
    simulated.read_right_for(40 * MS, 100);
    assert!(simulated.counts(), "measured again");
}

#[test]
fn a_long_jump_forward_is_noticed_at_once() {
    for jump in [130 * US, MS, S, 1_000_000 * S] {
        let simulated = Simulated::started(RATE, jump);
        simulated.world.jump(counts_of(jump));
        simulated.read_right();
        is_distrusted_for(&simulated, S);
    }
}

/// The readings of one line are ahead by the jump.
#[test]
fn a_short_jump_forward_is_noticed_at_the_end_of_the_line() {
    for jump in [2 * US, 30 * US, 90 * US] {
        let simulated = Simulated::started(RATE, jump);
        simulated.world.jump(counts_of(jump));
        let off = worst(&simulated, LINE);
        assert!(off.ahead <= jump, "{off:?}");
        is_distrusted_for(&simulated, S);
    }
}

/// A count before the line is not on it.
#[test]
fn a_long_jump_back_is_noticed_at_once() {
    for jump in [130 * US, MS, S, 1_000_000 * S] {
        let simulated = Simulated::started(RATE, jump);
        simulated.world.jump(-counts_of(jump));
        simulated.read_right();
        is_distrusted_for(&simulated, S);
    }
}

#[test]
fn a_short_jump_back_never_puts_a_reading_ahead() {
    for jump in [US, 10 * US, 30 * US, 60 * US, 120 * US] {
        let simulated = Simulated::started(RATE, jump);
        simulated.world.jump(-counts_of(jump));
        let off = worst(&simulated, 250 * US);
        assert_eq!(off.ahead, 0);
        assert!(off.behind <= jump + US, "{off:?}");
        simulated.read_right_for(2 * S, 2_000);
    }
}

#[test]
fn a_counter_that_begins_anew_is_noticed_at_the_second_reading() {
    for seed in 0..20 {
        let simulated = Simulated::started(RATE, seed);
        simulated.world.pass(simulated.world.below(10 * S));
        simulated.world.jump(0_i64.wrapping_sub_unsigned(simulated.world.counter()));
        assert_eq!(simulated.world.counter(), 0);
        simulated.read_right(); // After a silence, this one does not look at the counter.
        simulated.read_right();
        is_distrusted_for(&simulated, S);
    }
}

/// The clock stands still. Nothing is ahead, then or later. What this does to a limit is in `limits.rs`.
#[test]
fn a_counter_that_stops_makes_the_clock_late_until_it_moves() {
    for stop in [US, 10 * US, MS, S, 86_400 * S] {
        let simulated = Simulated::started(RATE, stop);
        simulated.world.stopped.set(true);
        for _ in 0..5 {
            simulated.world.pass(stop / 5);
            let off = simulated.read();
            assert_eq!(off.ahead, 0);
            assert!(off.behind <= stop + US, "{off:?}");
        }
        simulated.world.stopped.set(false);
        assert_eq!(worst(&simulated, LINE).ahead, 0);
        simulated.read_right_for(2 * S, 2_000);
    }
}

/// A virtual machine that was moved to another host.
#[test]
fn a_counter_that_changes_its_rate_is_noticed() {
    for rate in [RATE / 2, RATE - 10, RATE + 10, RATE * 2] {
        let simulated = Simulated::started(RATE, rate);
        simulated.world.rate.set(rate);
        let off = worst(&simulated, LINE);
        let most = |faster: u64, than: u64| LINE * faster.saturating_sub(than) / than;
        assert!(off.ahead <= most(rate, RATE), "{off:?}");
        assert!(off.behind <= most(RATE, rate) + US, "{off:?}");
        // What is less than a sample's width shows only when the rate is measured again.
        let off = worst(&simulated, 10 * MS);
        assert!(off.ahead <= 400, "{off:?}");
        simulated.read_right_for(2 * S, 2_000);
        assert!(simulated.counts(), "the new rate was measured");
    }
}

/// `chronyd` may correct by as much as 83,000 millionths.
#[test]
fn the_systems_clock_may_be_slowed_by_more_than_a_line_allows_for() {
    let simulated = Simulated::started(RATE, 1);
    simulated.world.system_ppm.set(-83_333);
    let off = worst(&simulated, LINE);
    assert!((1..=9 * US).contains(&off.ahead), "{off:?}");
    simulated.read_right_for(2 * S, 2_000);
    assert!(simulated.counts(), "the new rate was measured");
}

/// Threads on two cores whose counters differ: within a line at most one in a million is ahead, for the fault is
/// noticed and its price doubles.
#[test]
fn counters_that_differ_between_cores_are_given_up() {
    for differ in [3 * US, 50 * US, 120 * US, 300 * US, 10 * S] {
        let simulated = Simulated::started(RATE, differ);
        let world = &simulated.world;
        let (here, there) = (world.offset.get(), world.offset.get().wrapping_add_signed(counts_of(differ)));
        let (mut ahead, mut behind) = (0, 0);
        let began = world.now();
        while world.now() < began + 100 * S {
            world.offset.set(if world.below(2) == 0 { here } else { there });
            let off = simulated.read();
            // A rate that was measured across two cores is wrong, too.
            assert!(off.ahead <= differ + 2 * US && off.behind <= differ + 3 * US, "{off:?}");
            ahead += u64::from(off.ahead > 0);
            behind += u64::from(off.behind > US);
            // Now and then in quick succession, so that lines are used.
            world.pass(if world.below(200) == 0 { world.below(10 * MS) } else { 50 });
        }
        assert!(ahead < 2_000 && behind < 2_000, "{differ}: {ahead} ahead, {behind} behind");
        assert!(!simulated.counts());
    }
}

#[test]
fn an_interruption_does_not_shorten_a_measurement() {
    let sample = |at, after| Sample { before: at, count: at, after };
    let once = Anchor::NONE.after(sample(10 * MS, 10 * MS)).after(sample(20 * MS, 20 * MS));
    assert_eq!((once.due, once.line), (28 * MS, Line::NONE));
    assert_eq!(once.after(sample(20 * MS + US, 20 * MS + 2 * US)), once);
    let trusted = once.after(sample(28 * MS, 28 * MS));
    let paused = trusted.after(sample(29 * MS, 29 * MS + US));
    assert_eq!((paused.due, paused.line), (29 * MS + 101 * US, Line::NONE));
    assert_eq!((paused.rate, paused.since), (trusted.rate, trusted.since));
}
