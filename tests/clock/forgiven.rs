//! What faults of the counter cost, and when they are forgiven.

use crate::anchor::{Anchor, Line, Sample};
use crate::faults::is_distrusted_for;
use crate::world::{MS, S, Simulated, US};

/// One fault is forgiven in this time.
const FORGIVEN: u64 = 4_096 * S;

fn sample(at: u64, count: u64) -> Sample {
    Sample { before: at, count, after: at }
}

/// The rate is measured from `now` on, and then the counter jumps.
fn fault(mut anchor: Anchor, now: u64) -> Anchor {
    assert!(anchor.due <= now);
    for at in [now, now + 10 * MS, now + 20 * MS] {
        assert_eq!(anchor.line, Line::NONE, "the rate is to be measured twice");
        anchor = anchor.after(sample(at, at));
    }
    let end = now + 20 * MS;
    assert!(anchor.line.at(end).is_some_and(|nanos| nanos > end - US), "it was");
    // One microsecond of the system's clock, and ten of the counter.
    anchor = anchor.after(sample(end + US, end + 10 * US));
    assert_eq!(anchor.line, Line::NONE);
    anchor
}

/// When `fault` finds the fault.
const FOUND: u64 = 20 * MS + US;

/// For how many seconds the counter is not used after a fault that is found at `found`.
fn costs(anchor: Anchor, found: u64) -> u64 {
    (anchor.due - found) / S
}

/// One second, two, four; no more than 4096.
#[test]
fn each_fault_costs_twice_the_time_of_the_one_before() {
    let (mut anchor, mut now) = (Anchor::NONE, 10 * MS);
    for faults in 0..20_u32 {
        anchor = fault(anchor, now);
        assert_eq!(costs(anchor, now + FOUND), 1 << faults.min(12));
        now = anchor.due;
    }
}

#[test]
fn one_fault_is_forgiven_in_4096_seconds() {
    // Five faults, which cost 31 seconds.
    let (mut anchor, mut now) = (Anchor::NONE, 10 * MS);
    let first = now + FOUND;
    for _ in 0..5 {
        anchor = fault(anchor, now);
        now = anchor.due;
    }
    let sixth = |found: u64| costs(fault(anchor, found - FOUND), found);
    for forgiven in 0..5 {
        let last = first + (forgiven + 1) * FORGIVEN - 1;
        assert_eq!(sixth(last), 1 << (5 - forgiven), "{forgiven} forgiven");
        assert_eq!(sixth(last + 1), 1 << (4 - forgiven), "one more");
    }
    assert_eq!(sixth(first + 100 * FORGIVEN), 1);
}

/// A counter that is wrong as soon as it is used: 13 faults at first, and then one in 4096 seconds.
#[test]
fn over_a_long_time_there_is_one_fault_in_4096_seconds() {
    let (mut anchor, mut now) = (Anchor::NONE, 10 * MS);
    for faults in 1..1_000 {
        anchor = fault(anchor, now);
        let most = 13 + (now + FOUND) / FORGIVEN;
        assert!(faults <= most, "{faults} faults, and {most} may be");
        now = anchor.due;
    }
}

/// A laptop whose counter runs on while it sleeps, and whose system's clock does not.
#[test]
fn a_sleep_costs_a_second_if_the_one_before_is_long_ago() {
    let simulated = Simulated::started(3_000, 1);
    for _ in 0..20 {
        simulated.world.pass(2 * 3_600 * S);
        simulated.read_right_for(MS, 100);
        simulated.world.jump(8 * 3_600 * 3_000_000_000); // 8 hours of counts
        simulated.read_right_for(US, 100);
        is_distrusted_for(&simulated, S);
    }
}
