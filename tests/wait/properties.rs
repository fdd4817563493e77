//! What holds for every history of arrivals, cancellations, pauses, deadlines and calls around the queue.
//!
//! 1. Waiters are granted in order of arrival. Each is granted at the first instant at which it is the head, the exact rule
//!    admits it, and no pause or spacing after a pause holds it back. So no permit is lost, and none is granted too much.
//! 2. A waiter is refused for its deadline if and only if its permit would have come too late. It is not refused after the
//!    deadline.
//! 3. Each task has one sleep. It is woken when it is its turn, and a few times to check the head. It is woken once more
//!    for a deadline, for a pause, or for permits that are taken around the queue.
//! 4. In the end nothing is left.
//!
//! If some tasks are not polled for a while, this still holds: no more is granted than the rule allows, and the other tasks
//! are granted in order. None of them is granted much later than if the sleepers had taken their permits.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use tollgate::Nanos;
use tollgate::wait::{AcquireError, GRACE};

use crate::oracle::{ExactLog, Grid, Rule};
use crate::world::{World, secs};

const SECOND: u64 = 1_000_000_000;
/// 4 in 8 s and 6 in 13 s.
const POLICY: &str = "4/8s, 6/13s";
const RULES: [Rule; 2] = [Rule { limit: 4, window: 8 * SECOND }, Rule { limit: 6, window: 13 * SECOND }];
const BURST: u32 = 4;
/// Seconds between two permits on the way out of a pause: 8 s for 4.
const PACE: u64 = 2;
/// How often one that waits for a thousand seconds looks after the head, if the first time is after a grace of 50 ms, and
/// twice more: at the promised instant, and when it is called.
const LOOKS: usize = 15 + 2;

#[derive(Clone, Copy, Debug)]
enum Step {
    Arrive { n: u32, within: Option<u64> },
    Cancel(usize),
    Pause(u64),
    Try(u32),
    Around(u32),
    Live(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (1..=BURST, proptest::option::weighted(0.3, 0..40_u64)).prop_map(|(n, within)| Step::Arrive { n, within }),
        2 => any::<usize>().prop_map(Step::Cancel),
        1 => (0..12_u64).prop_map(Step::Pause),
        1 => (0..=BURST).prop_map(Step::Try),
        1 => (1..=2_u32).prop_map(Step::Around),
        6 => (0..9_u64).prop_map(Step::Live),
    ]
}

/// Never the instant of a grant: which of the two comes first would be the timer's choice.
fn half_past(second: u64) -> Nanos {
    secs(second).saturating_add(Duration::from_millis(500))
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    task: usize,
    n: u32,
    /// Half a second later.
    deadline: u64,
}

/// The same queue, second by second, with the whole history looked at for each decision.
struct Model {
    log: ExactLog,
    now: u64,
    /// When the bucket that stands beside the rule after a pause is full.
    full: u64,
    line: Vec<Waiting>,
    /// The head, and the second until which it sleeps.
    asleep: Option<(usize, u64)>,
    granted: Vec<(usize, u64)>,
    /// When each was refused, at the latest.
    refused: Vec<(usize, u64)>,
}

impl Model {
    fn admits(&self, second: u64, n: u32) -> bool {
        second + PACE * u64::from(BURST - n) >= self.full && self.log.admits(second * SECOND, n)
    }

    fn pause(&mut self, until: u64) {
        self.full = self.full.max(until + PACE * u64::from(BURST - 1));
    }

    fn take(&mut self, n: u32) {
        self.log.record(self.now * SECOND, n);
        if self.now < self.full {
            self.full += PACE * u64::from(n);
        }
    }

    /// The first second at which one call for so many permits would be granted.
    fn promise(&self, permits: u32) -> u64 {
        (self.now..=self.now + 1000).find(|&second| self.admits(second, permits.min(BURST))).unwrap()
    }

    /// Before this instant nobody grants so many permits, for whatever is above twice a limit comes at its rate.
    fn by_rates(&self, permits: u32) -> u64 {
        let after = RULES.map(|rule| {
            let limit = u64::from(rule.limit);
            u64::from(permits).saturating_sub(2 * limit) * rule.window / limit
        });
        self.now * SECOND + after[0].max(after[1])
    }

    fn arrive(&mut self, arrival: Waiting) {
        let ahead: u32 = self.line.iter().map(|waiting| waiting.n).sum();
        if self.line.is_empty() && self.admits(self.now, arrival.n) {
            self.take(arrival.n);
            self.granted.push((arrival.task, self.now));
        } else if self.promise(ahead + arrival.n) > arrival.deadline
            || self.by_rates(ahead + arrival.n)
                > arrival.deadline.saturating_mul(SECOND).saturating_add(SECOND / 2)
        {
            self.refused.push((arrival.task, self.now));
        } else {
            self.line.push(arrival);
        }
    }

    /// Serves the queue at this second; deadlines passed half a second ago.
    fn serve(&mut self) {
        let now = self.now;
        let late = |waiting: &Waiting| waiting.deadline < now;
        self.refused
            .extend(self.line.iter().filter(|waiting| late(waiting)).map(|waiting| (waiting.task, now)));
        self.line.retain(|waiting| !late(waiting));
        while let Some(&head) = self.line.first() {
            // What others take around the queue, a sleeping head learns when it wakes.
            if self.asleep.is_some_and(|(task, until)| task == head.task && self.now < until) {
                break;
            }
            let promise = self.promise(head.n);
            if promise == self.now {
                self.take(head.n);
                self.granted.push((head.task, self.now));
            } else if promise > head.deadline {
                self.refused.push((head.task, head.deadline + 1));
            } else {
                self.asleep = Some((head.task, promise));
                break;
            }
            self.line.remove(0);
        }
    }

    fn live_until(&mut self, second: u64) {
        self.serve();
        while self.now < second {
            self.now += 1;
            self.serve();
        }
    }
}

fn run(steps: &[Step]) -> Result<(), TestCaseError> {
    let mut world = World::exact(POLICY);
    let log = ExactLog::new(&RULES, Grid::of_log(&RULES).unwrap());
    let mut model = Model {
        log,
        now: 0,
        full: 0,
        line: Vec::new(),
        asleep: None,
        granted: Vec::new(),
        refused: Vec::new(),
    };
    let (mut tasks, mut disturbances) = (Vec::new(), 0);
    for &step in steps {
        match step {
            Step::Arrive { n, within } => {
                let deadline = within.map_or(u64::MAX, |within| model.now + within);
                let task = world.wait(n, within.map_or(Nanos::MAX, |_| half_past(deadline)));
                model.arrive(Waiting { task, n, deadline });
                tasks.push((task, within.is_some()));
            }
            Step::Cancel(which) if !model.line.is_empty() => {
                let gone = model.line.remove(which % model.line.len());
                world.cancel(gone.task);
            }
            Step::Cancel(_) => {}
            Step::Pause(length) => {
                disturbances += 1;
                model.pause(model.now + length);
                world.limiter.pause_until(secs(model.now + length));
            }
            Step::Try(n) => {
                let fits = n == 0 || model.line.is_empty() && model.admits(model.now, n);
                if fits {
                    model.take(n);
                }
                prop_assert_eq!(world.limiter.try_acquire_n(n).is_ok(), fits);
            }
            Step::Around(n) => {
                disturbances += 1;
                let fits = model.admits(model.now, n);
                if fits {
                    model.take(n);
                }
                prop_assert_eq!(world.limiter.limiter().try_acquire_n(n).is_ok(), fits);
            }
            Step::Live(length) => {
                let until = model.now + length;
                model.live_until(until);
                world.live_until(secs(until));
            }
        }
        // Whoever was called runs, unless the clock has to move first.
        model.serve();
        world.run();
        prop_assert_eq!(world.limiter.waiting(), world.waiting_tasks());
        prop_assert_eq!(world.timer.armed().len(), world.waiting_tasks());
    }
    model.live_until(model.now + 1000);
    world.live_until(secs(model.now));

    prop_assert_eq!(world.granted(), model.granted);
    for &(task, latest) in &model.refused {
        let (at, result) = world.outcome(task).expect("it has ended");
        prop_assert!(matches!(result, Err(AcquireError::TooLate(_))), "{task}: {result:?}");
        prop_assert!(at <= secs(latest), "{task}: refused at {at}, known at {latest} s");
    }
    for &(task, deadline) in &tasks {
        prop_assert!(world.wakes(task) <= LOOKS + usize::from(deadline) + disturbances, "{task}");
    }
    prop_assert!(world.is_clean());
    Ok(())
}

/// What a waiter does: it is polled whenever it is woken, or not polled from one second to another.
#[derive(Clone, Copy, Debug)]
struct Arrival {
    second: u64,
    n: u32,
    sleeps: Option<(u64, u64)>,
}

fn arrival() -> impl Strategy<Value = Arrival> {
    let sleeps = proptest::option::weighted(0.4, (0..30_u64, 0..60_u64));
    (0..30_u64, 1..=BURST, sleeps).prop_map(|(second, n, sleeps)| {
        let sleeps = sleeps.map(|(after, length)| (second + after, second + after + length));
        Arrival { second, n, sleeps }
    })
}

/// Some are not polled for a while. Those who always are go in order. And none goes later than it would if all before it
/// took their permits, each as late as the rule allows, but for a few graces.
fn beside_sleepers(arrivals: &[Arrival]) -> Result<(), TestCaseError> {
    let mut world = World::exact(POLICY);
    let mut tasks = vec![None; arrivals.len()];
    for second in 0..1000 {
        for (arrival, task) in arrivals.iter().zip(&mut tasks) {
            if arrival.second == second {
                *task = Some(world.wait(arrival.n, Nanos::MAX));
            }
            if let (Some((from, until)), Some(task)) = (arrival.sleeps, *task) {
                if second == from {
                    world.put_to_sleep(task);
                }
                if second == until {
                    world.wake_up(task);
                }
            }
        }
        world.live_until(half_past(second));
        world.live_until(secs(second + 1));
    }
    let granted: Vec<(u64, u32)> = {
        let ended = world.ended.borrow();
        let n = |task| arrivals[tasks.iter().position(|&other| other == Some(task)).unwrap()].n;
        ended.iter().map(|&(task, (at, _))| (at.as_nanos(), n(task))).collect()
    };
    prop_assert_eq!(granted.len(), arrivals.len());
    for rule in RULES {
        prop_assert!(crate::oracle::busiest(&granted, rule.window) <= u64::from(rule.limit));
    }
    // Those who are always polled, in their order.
    let awake =
        |task: usize| arrivals[tasks.iter().position(|&other| other == Some(task)).unwrap()].sleeps.is_none();
    let order: Vec<usize> =
        world.ended.borrow().iter().map(|ended| ended.0).filter(|&task| awake(task)).collect();
    prop_assert!(order.is_sorted(), "{order:?}");
    // Whoever is always polled needs no longer than if all that arrived waited one after another: 13 s for 6 permits,
    // wasted in part since a call takes up to 4. And three graces for each that falls asleep.
    let sleepers = arrivals.iter().filter(|arrival| arrival.sleeps.is_some()).count();
    for (arrival, task) in arrivals.iter().zip(&tasks).filter(|(arrival, _)| arrival.sleeps.is_none()) {
        let before: u64 = arrivals.iter().map(|arrival| u64::from(arrival.n)).sum();
        let latest = secs(arrival.second + 13 * before.div_ceil(3))
            .saturating_add(3 * GRACE * (1 + u32::try_from(sleepers).unwrap()));
        let at = world.outcome(task.unwrap()).unwrap().0;
        prop_assert!(at <= latest, "{at} after {latest}");
    }
    prop_assert!(world.is_clean());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_queue_is_the_model(steps in vec(step(), 1..60)) {
        run(&steps)?;
    }

    #[test]
    fn others_are_granted_beside_sleepers(mut arrivals in vec(arrival(), 1..12)) {
        arrivals.sort_by_key(|arrival| arrival.second);
        beside_sleepers(&arrivals)?;
    }
}
