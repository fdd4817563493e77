//! The room that a line leaves: before its sample, for a system's clock that is slowed, and for one that goes in steps.

use crate::anchor::{Anchor, Sample};
use crate::world::{MS, Simulated, US};

/// One count in a nanosecond; the system's clock goes in steps of 100 ns, as on Windows.
fn stepped(at: u64) -> Sample {
    let step = |nanos: u64| nanos - nanos % 100;
    Sample { before: step(at), count: at + 5, after: step(at + 10) }
}

fn measured() -> Anchor {
    [MS, 10 * MS, 19 * MS].into_iter().map(stepped).fold(Anchor::NONE, Anchor::after)
}

/// Two threads find the line too old, and the second takes its sample just after the first has published.
#[test]
fn two_samples_within_a_step_are_no_fault() {
    for at in 19 * MS + 200 * US..19 * MS + 200 * US + 100 {
        for later in 1..100 {
            let anchor = measured().after(stepped(at)).after(stepped(at + later));
            assert_eq!(anchor.forgiven, 0, "{at}, and {later} ns later");
        }
    }
}

/// A processor may read the counter before it reads the line, so a line has room before its sample.
#[test]
fn a_count_just_before_the_sample_is_on_the_line_and_not_ahead() {
    let at = 30 * MS;
    let sample = Sample { before: at, count: at + 5, after: at + 10 };
    let line = measured().after(sample).line;
    for earlier in 0..990 {
        let nanos = line.at(sample.count - earlier).expect("on the line");
        assert!(nanos <= at - earlier, "{earlier} ns before the sample: {nanos}");
    }
}

/// As far as `DefaultClock` promises.
#[test]
fn a_system_clock_that_is_slowed_by_1900_millionths_is_never_passed() {
    for seed in 0..20 {
        let simulated = Simulated::started(3_000, seed);
        simulated.world.system_ppm.set(-1_900);
        for _ in 0..100_000 {
            assert_eq!(simulated.read().ahead, 0);
            simulated.world.pass(simulated.world.below(100));
        }
    }
}
