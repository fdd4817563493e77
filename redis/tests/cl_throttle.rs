//! The command for redis-cell, run by the arithmetic that the module publishes.

use tollgate::{ClThrottle, Plan, Policy, Quota};

/// What `CL.THROTTLE` does, in the module's own steps: signed nanoseconds, and a rate from floating point.
struct Cell {
    interval: i64,
    tolerance: i64,
    arrival: Option<i64>,
}

impl Cell {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "it is what the module does"
    )]
    fn new(command: ClThrottle) -> Cell {
        let number = |number: u64| i64::try_from(number).unwrap();
        let period = number(command.period).checked_mul(1_000_000_000).unwrap();
        let interval = (period as f64 / number(command.count) as f64) as i64;
        let tolerance = interval.checked_mul(number(command.max_burst) + 1).unwrap();
        Cell { interval, tolerance, arrival: None }
    }

    fn throttle(&mut self, now: i64) -> bool {
        let arrival = self.arrival.unwrap_or(now).max(now).checked_add(self.interval).unwrap();
        if now - (arrival - self.tolerance) < 0 {
            return false;
        }
        self.arrival = Some(arrival);
        true
    }
}

/// The most that a caller is granted in one window who finds the bucket full and asks whenever a permit is back.
fn most_in(window: i64, command: ClThrottle) -> u32 {
    let (mut cell, start) = (Cell::new(command), 1_800_000_000_000_000_000);
    let (mut now, mut granted) = (start, 0);
    while now - start < window {
        if cell.throttle(now) {
            granted += 1;
        } else {
            now = cell.arrival.unwrap() + cell.interval - cell.tolerance;
        }
    }
    granted
}

fn command(text: &str) -> (Policy, ClThrottle) {
    let policy = text.parse().unwrap();
    (policy, ClThrottle::new(&Plan::new(policy).unwrap()).unwrap())
}

#[test]
fn the_command_keeps_every_quota_and_one_call_more_does_not() {
    let (_, ours) = command("50/1m, 1500/1h");
    assert_eq!(ours, ClThrottle { max_burst: 25, count: 1474, period: 3600 });
    let (minute, hour) = (60_000_000_000, 3_600_000_000_000);
    assert_eq!((most_in(minute, ours), most_in(hour, ours)), (50, 1500));
    let faster = ClThrottle { count: 1475, ..ours };
    assert_eq!(most_in(hour, faster), 1501);
}

#[test]
fn random_policies_keep_their_quotas() {
    for seed in 0..300 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let quota = |rng: &mut fastrand::Rng| {
            Quota::new(
                rng.u32(1..=2_000),
                std::time::Duration::from_nanos(rng.u64(1..=40) * rng.u64(1_000_000..=10_000_000_000)),
            )
        };
        let Ok(policy) = Policy::new(&[quota(&mut rng), quota(&mut rng)]) else { continue };
        let Ok(plan) = Plan::new(policy) else { continue };
        let command = ClThrottle::new(&plan).unwrap();
        assert!(u128::from(command.interval()) >= plan.interval().as_nanos(), "{policy}: {command}");
        for quota in policy.quotas() {
            let most = most_in(i64::try_from(quota.window().as_nanos()).unwrap(), command);
            assert!(most <= quota.limit(), "{policy}: {command} lets {most} through");
        }
    }
}

#[test]
fn long_periods_are_rounded_by_the_module_and_never_below_the_plan() {
    // 2^53 ns are 104 days: from there on, floating point is not exact.
    for days in (90..50_000).step_by(97) {
        for limit in [1, 3, 1_000_003] {
            let quota = Quota::new(limit, std::time::Duration::from_secs(days * 86_400 + 1));
            let plan = Plan::new(Policy::new(&[quota]).unwrap()).unwrap();
            let Some(command) = ClThrottle::new(&plan) else { panic!("{days} days, {limit}") };
            let interval = u128::from(command.interval());
            assert!(interval >= plan.interval().as_nanos(), "{command}");
            assert_eq!(interval, u128::try_from(Cell::new(command).interval).unwrap());
        }
    }
}

#[test]
fn what_the_module_cannot_count_has_no_command() {
    let year = std::time::Duration::from_secs(365 * 86_400);
    let policy = Policy::new(&[Quota::new(10, year * 30)]).unwrap();
    assert_eq!(ClThrottle::new(&Plan::with_burst(policy, 10).unwrap()), None);
}
