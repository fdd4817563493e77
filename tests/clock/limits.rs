//! What a fault of the counter does to a limit, as `DefaultClock` says.

use tollgate::{Algorithm, Nanos, SlidingLog};

use crate::world::{MS, S, Simulated, US};

const LIMIT: u64 = 10;

/// Takes all permits that there are, and says how many.
fn take_all(log: &SlidingLog, simulated: &Simulated) -> u64 {
    (0..2 * LIMIT)
        .take_while(|_| log.try_acquire_at(Nanos::from_nanos(simulated.clock.now()), 1).is_ok())
        .count() as u64
}

/// Permits that are granted by a late reading leave their window too early, by as much as the reading was late.
#[test]
fn after_a_jump_back_a_window_is_shorter_by_the_jump() {
    for jump in [US, 10 * US, 50 * US, 80 * US] {
        let simulated = Simulated::started(3_000, jump);
        let log = SlidingLog::new("10/1ms; guard 1us".parse().unwrap()).unwrap();
        // A line has just begun, so that it lasts while the permits are taken.
        while simulated.readings_of_the_system(1) == 0 {}
        simulated.world.pass(90 * US);
        simulated.world.jump(-i64::try_from(jump * 3).unwrap());
        let first = simulated.world.now();
        assert_eq!(take_all(&log, &simulated), LIMIT);
        while take_all(&log, &simulated) == 0 {
            simulated.world.pass(20);
        }
        let window = simulated.world.now() - first;
        assert!((MS - jump..MS - jump + 2 * US).contains(&window), "{window} ns after a jump of {jump}");
    }
}

/// The longer the counter stops, the older the permits seem that are granted meanwhile.
#[test]
fn while_a_counter_stops_and_after_it_the_limit_is_granted_twice() {
    let simulated = Simulated::started(3_000, 1);
    let log = SlidingLog::new("10/10s; guard 1us".parse().unwrap()).unwrap();
    simulated.world.stopped.set(true);
    simulated.world.pass(9 * S);
    assert_eq!(take_all(&log, &simulated), LIMIT);
    simulated.world.pass(S);
    assert_eq!(take_all(&log, &simulated), 0);
    simulated.world.stopped.set(false);
    simulated.world.pass(MS);
    assert_eq!(take_all(&log, &simulated), LIMIT, "a second later, although the window is 10 seconds");
}
