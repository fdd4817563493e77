//! Thousands of random histories of up to eight nodes: they crash, sleep, are cut off, lose answers, wait for slow ones, and their
//! clocks go at different speeds. No window ever holds more than the limit.
//!
//! The nodes are what is shipped: [`Account`] decides the calls, and [`Node`] what to ask for. The store and the count of
//! every window are this file's own.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use fastrand::Rng;
use tokio::sync::oneshot;
use tollgate::{Nanos, Plan, Policy, Quota};

use crate::lease::account::Account;
use crate::lease::node::{Ask, Node, Reply, Step};
use crate::lease::queue::{Handed, Queue, Told};
use crate::lease::reading::Reading;
use crate::lease::refused::Refused;
use crate::lease::terms::{Leases, WhenAway};

/// What is broken on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Twin {
    /// Nothing.
    Whole,
    /// The store keeps the policy without the life of a lease as its guard.
    WithoutGuard,
    /// The life of a lease counts from its answer.
    FromTheAnswer,
    /// A clock that stood still does not say so.
    SleepsUnseen,
    /// Clocks are slower than what is allowed.
    SlowClocks,
}

/// What can happen in a history.
#[derive(Clone, Copy, Debug)]
pub(super) struct World {
    pub(super) nodes: usize,
    pub(super) length: u64,
    /// The mean time between two calls of a node.
    pub(super) pause: u64,
    pub(super) faults: bool,
    /// A request takes at most so long, in one direction.
    pub(super) slow: u64,
    /// The worst that nodes can do: nothing until the store's bucket is full, then lease all of it and hold it as long as they may, and
    /// then use whatever they get at once. The lengths of these three times.
    pub(super) worst: Option<[u64; 3]>,
}

pub(super) struct Outcome {
    /// The true instants of all grants.
    pub(super) grants: Vec<(u64, u32)>,
    pub(super) calls: u64,
    pub(super) requests: u64,
    pub(super) leased: u64,
    pub(super) lost: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Call {
        node: usize,
    },
    /// The task of a node looks.
    Look {
        node: usize,
        alarm: u64,
    },
    /// A request reaches the store.
    Arrive {
        node: usize,
        request: u64,
        least: u32,
        most: u32,
    },
    Answer {
        node: usize,
        request: u64,
        granted: u32,
        full_in: u64,
    },
    TimeOut {
        node: usize,
        request: u64,
    },
    /// A node that holds its permits as long as it may uses all of them.
    Spend {
        node: usize,
    },
    /// A waiter that was handed its permits takes them, as late as it may.
    Collect {
        node: usize,
        started: u64,
        n: u32,
        until: u64,
        jumps: u64,
    },
    Trouble,
    Wake {
        node: usize,
    },
}

struct Machine {
    account: Account,
    node: Node,
    /// The clock goes at this rate, in millionths above that of the store.
    faster: i64,
    started: u64,
    /// Since when it sleeps, and how long it did before.
    asleep: Option<u64>,
    slept: u64,
    jumps: u64,
    asking: Option<(u64, Ask)>,
    /// The one alarm of its task that counts.
    alarm: u64,
    cut_off_until: u64,
    /// It holds its permits as long as it may.
    hoards: bool,
    /// Calls that wait for the store's answer.
    queue: Queue,
    waits: Vec<(oneshot::Receiver<Handed>, u32)>,
    decides: bool,
}

impl Machine {
    fn read(&self, now: u64) -> Reading {
        let awake = self.asleep.unwrap_or(now) - self.started - self.slept;
        let drift = i128::from(awake) * i128::from(self.faster) / 1_000_000;
        let at = u64::try_from(i128::from(awake) + drift).unwrap() + 1_000_000_000;
        Reading { at: Nanos::from_nanos(at), jumps: self.jumps }
    }
}

pub(super) struct Simulation {
    leases: Leases,
    twin: Twin,
    world: World,
    rng: Rng,
    events: BinaryHeap<Reverse<(u64, u64, Event)>>,
    sequence: u64,
    machines: Vec<Machine>,
    /// The store: a bucket that is full at an instant.
    burst: u64,
    interval: u64,
    full_at: u64,
    out: Outcome,
}

impl Simulation {
    pub(super) fn run(leases: &Leases, twin: Twin, world: World, seed: u64) -> Outcome {
        let plan = match twin {
            Twin::WithoutGuard => Plan::with_burst(*leases.policy(), leases.plan().burst()).unwrap(),
            _ => *leases.plan(),
        };
        let out = Outcome { grants: Vec::new(), calls: 0, requests: 0, leased: 0, lost: 0 };
        let mut simulation = Simulation {
            leases: *leases,
            twin,
            world,
            rng: Rng::with_seed(seed),
            events: BinaryHeap::new(),
            sequence: 0,
            machines: Vec::new(),
            burst: plan.burst().into(),
            interval: u64::try_from(plan.interval().as_nanos()).unwrap(),
            full_at: 0,
            out,
        };
        for node in 0..world.nodes {
            let machine = simulation.machine(0);
            simulation.machines.push(machine);
            let first = simulation.rng.u64(0..world.pause.max(1) * 2);
            simulation.at(first, Event::Call { node });
        }
        if world.faults {
            simulation.at(world.length / 40, Event::Trouble);
        }
        simulation.go();
        simulation.out
    }

    fn machine(&mut self, started: u64) -> Machine {
        let faster = match (self.world.faults, self.twin) {
            (false, _) => 0,
            (true, Twin::SlowClocks) => -300_000,
            (true, _) => self.rng.i64(-1_900..5_000),
        };
        Machine {
            account: Account::new(&self.leases, Duration::ZERO).unwrap(),
            node: Node::new(self.rng.u64(..)),
            faster,
            started,
            asleep: None,
            slept: 0,
            jumps: 0,
            asking: None,
            alarm: 0,
            cut_off_until: 0,
            hoards: self.world.faults && self.rng.bool(),
            queue: Queue::default(),
            waits: Vec::new(),
            decides: !self.world.faults || self.rng.bool(),
        }
    }

    fn at(&mut self, instant: u64, event: Event) {
        self.sequence += 1;
        self.events.push(Reverse((instant, self.sequence, event)));
    }

    fn go(&mut self) {
        while let Some(Reverse((now, _, event))) = self.events.pop() {
            if now > self.world.length {
                break;
            }
            match event {
                Event::Call { node } => self.call(node, now),
                Event::Look { node, alarm } if self.machines[node].alarm == alarm => self.look(node, now),
                Event::Look { .. } => {}
                Event::Arrive { node, request, least, most } => self.arrive(now, node, request, least, most),
                Event::Answer { node, request, granted, full_in } => {
                    let full_in = Duration::from_nanos(full_in);
                    self.answered(node, request, Some(Reply { granted, full_in }), now);
                }
                Event::TimeOut { node, request } => self.answered(node, request, None, now),
                Event::Spend { node } => self.spend(node, now),
                Event::Collect { node, started, n, until, jumps } => {
                    let machine = &self.machines[node];
                    let reading = machine.read(now.max(machine.started));
                    let same = machine.started == started && machine.asleep.is_none();
                    if same && reading.jumps == jumps && reading.at.as_nanos() < until {
                        self.out.grants.push((now, n));
                    }
                }
                Event::Trouble => self.trouble(now),
                Event::Wake { node } => self.wake(node, now),
            }
        }
        for node in 0..self.machines.len() {
            self.count(node);
        }
    }

    fn call(&mut self, node: usize, now: u64) {
        let mean = self.world.pause;
        // Calls come in bunches, and then not at all for a while.
        let pause = match self.rng.u8(0..20) {
            0 if self.world.faults && self.world.worst.is_none() => self.rng.u64(0..=mean * 60),
            _ => self.rng.u64(0..=mean * 2),
        };
        self.at(now + pause, Event::Call { node });
        let n = if self.world.faults && self.rng.u8(0..4) == 0 { self.rng.u32(1..=4) } else { 1 };
        let machine = &mut self.machines[node];
        if let Some([quiet, hold, use_up]) = self.world.worst {
            let phase = now % (quiet + hold + use_up);
            if phase < quiet {
                return;
            }
            machine.hoards = phase < quiet + hold;
        }
        if machine.asleep.is_some() || machine.hoards && machine.account.held.left(machine.read(now)) >= n {
            return;
        }
        self.out.calls += 1;
        let called = std::cell::Cell::new(false);
        let reading = machine.read(now);
        match machine.account.take(reading, n, || called.set(true)) {
            Ok(()) => self.out.grants.push((now, n)),
            Err(Refused::Asked) if machine.decides => {
                let (_, receiver) = machine.queue.join(None, n, reading.at).unwrap();
                machine.waits.push((receiver, n));
                machine.account.board.set_queued(machine.queue.permits());
                called.set(true);
            }
            Err(_) => {}
        }
        if called.get() {
            self.set_alarm(node, now);
        }
    }

    fn set_alarm(&mut self, node: usize, at: u64) {
        let alarm = self.sequence + 1;
        self.machines[node].alarm = alarm;
        self.at(at, Event::Look { node, alarm });
    }

    fn look(&mut self, node: usize, now: u64) {
        let machine = &mut self.machines[node];
        if machine.asking.is_some() || machine.asleep.is_some() {
            return;
        }
        let reading = machine.read(now);
        let mut told = Told::default();
        machine.queue.serve(&machine.account, reading, &mut told);
        machine.account.board.set_queued(machine.queue.permits());
        told.tell();
        let mut handed = Vec::new();
        machine.waits.retain_mut(|(receiver, n)| match receiver.try_recv() {
            Ok(Handed::Permits { until, jumps }) => {
                handed.push((*n, until, jumps));
                false
            }
            Ok(Handed::Refused(_)) => false,
            Err(_) => true,
        });
        let (hoards, started, rate) = (machine.hoards, machine.started, 1_000_000 + machine.faster);
        for (n, until, jumps) in handed {
            let left = until.saturating_duration_since(reading.at).as_nanos() * 1_000_000;
            let left = u64::try_from(left / u128::try_from(rate).unwrap()).unwrap().saturating_sub(10_000);
            let wait = if hoards { left } else { 0 };
            self.at(now + wait, Event::Collect { node, started, n, until: until.as_nanos(), jumps });
        }
        let machine = &mut self.machines[node];
        match machine.node.step(&machine.account, machine.queue.waiting(), reading) {
            Step::Ask(mut ask) => {
                // The bound does not rest on how many are asked for.
                if self.world.faults && self.rng.bool() {
                    ask.most = ask.most.max(self.rng.u32(1..=self.leases.plan().burst()));
                }
                if self.world.worst.is_some() {
                    ask.most = self.leases.plan().burst();
                }
                let request = self.out.requests;
                self.out.requests += 1;
                machine.asking = Some((request, ask));
                let delay = self.delay(now, false);
                let cut_off = self.machines[node].cut_off_until > now;
                let lost = self.world.faults && self.rng.u8(0..20) == 0;
                if !cut_off && !lost {
                    let Ask { least, most, .. } = ask;
                    self.at(now + delay, Event::Arrive { node, request, least, most });
                }
                let timeout = u64::try_from(self.leases.timeout().as_nanos()).unwrap();
                self.at(now + timeout, Event::TimeOut { node, request });
            }
            Step::Wait(until) => {
                let after = until.saturating_duration_since(reading.at).max(Duration::from_micros(10));
                self.set_alarm(node, now + u64::try_from(after.as_nanos()).unwrap().min(30 * 1_000_000_000));
            }
            Step::Idle => {}
        }
    }

    fn delay(&mut self, now: u64, back: bool) -> u64 {
        if let Some([quiet, hold, use_up]) = self.world.worst {
            let holds = now % (quiet + hold + use_up) < quiet + hold;
            // Just before the time-out.
            return if back && holds { hold * 45 / 100 } else { 1_000_000 };
        }
        match self.rng.u8(0..10) {
            0 if self.world.faults => self.rng.u64(0..=self.world.slow * 10),
            _ => self.rng.u64(self.world.slow / 4..=self.world.slow),
        }
    }

    /// The store decides, by its own arithmetic.
    fn arrive(&mut self, now: u64, node: usize, request: u64, least: u32, most: u32) {
        let full_at = self.full_at.max(now);
        let used = (full_at - now).div_ceil(self.interval);
        let there = self.burst.saturating_sub(used);
        let granted = if there >= u64::from(least) { there.min(u64::from(most)) } else { 0 };
        if granted > 0 {
            self.full_at = full_at + granted * self.interval;
        }
        let full_in = self.full_at.saturating_sub(now);
        let granted = u32::try_from(granted).unwrap();
        self.out.leased += u64::from(granted);
        let lost = self.world.faults && self.rng.u8(0..20) == 0;
        if self.machines[node].cut_off_until <= now && !lost {
            let delay = self.delay(now, true);
            self.at(now + delay, Event::Answer { node, request, granted, full_in });
        }
    }

    fn answered(&mut self, node: usize, request: u64, reply: Option<Reply>, now: u64) {
        let from_the_answer = self.twin == Twin::FromTheAnswer;
        let machine = &mut self.machines[node];
        let Some((asked, mut ask)) = machine.asking else { return };
        // A sleeping machine reads its answer when it wakes up.
        if asked != request || machine.asleep.is_some() {
            return;
        }
        let reading = machine.read(now);
        if from_the_answer {
            ask.asked = reading;
        }
        machine.asking = None;
        machine.node.answered(&machine.account, ask, reply, reading);
        let expires = machine.account.held.expires(reading).filter(|_| machine.hoards);
        let rate = 1_000_000 + machine.faster;
        if let Some(expires) = expires {
            let left = expires.saturating_duration_since(reading.at).as_nanos() * 1_000_000;
            let left = u64::try_from(left / u128::try_from(rate).unwrap()).unwrap();
            self.at(now + left.saturating_sub(10_000), Event::Spend { node });
        }
        self.set_alarm(node, now);
    }

    fn spend(&mut self, node: usize, now: u64) {
        let machine = &mut self.machines[node];
        if machine.asleep.is_some() {
            return;
        }
        let reading = machine.read(now);
        while machine.account.held.take(reading, 1).is_some() {
            self.out.grants.push((now, 1));
        }
    }

    fn trouble(&mut self, now: u64) {
        let next = self.rng.u64(1..=self.world.length / 20);
        self.at(now + next, Event::Trouble);
        let node = self.rng.usize(0..self.machines.len());
        match self.rng.u8(0..3) {
            0 => {
                self.count(node);
                self.machines[node] = self.machine(now);
            }
            1 => self.machines[node].cut_off_until = now + self.rng.u64(0..self.world.length / 20),
            _ if self.machines[node].asleep.is_none() => {
                self.machines[node].asleep = Some(now);
                let sleep = self.rng.u64(1..=3 * u64::try_from(self.leases.life().as_nanos()).unwrap());
                self.at(now + sleep, Event::Wake { node });
            }
            _ => {}
        }
    }

    fn wake(&mut self, node: usize, now: u64) {
        let machine = &mut self.machines[node];
        let Some(since) = machine.asleep.take() else { return };
        machine.slept += now - since;
        machine.jumps += u64::from(self.twin != Twin::SleepsUnseen);
        if machine.hoards {
            self.at(now, Event::Spend { node });
        }
        let machine = &self.machines[node];
        // What it asked before is answered late, or not at all.
        if let Some((request, _)) = machine.asking {
            self.at(now + 1_000_000, Event::TimeOut { node, request });
        }
        self.set_alarm(node, now);
    }

    fn count(&mut self, node: usize) {
        let counts = self.machines[node].account.counters.read();
        self.out.lost += counts.lost + u64::from(self.machines[node].account.held.permits());
    }
}

/// The most permits in any half-open window, counted by two ends that move over the grants.
pub(super) fn busiest(grants: &[(u64, u32)], window: u64) -> u64 {
    let (mut most, mut inside, mut from) = (0, 0, 0);
    for &(at, n) in grants {
        inside += u64::from(n);
        while at - grants[from].0 >= window {
            inside -= u64::from(grants[from].1);
            from += 1;
        }
        most = most.max(inside);
    }
    most
}

fn policy(rng: &mut Rng) -> Policy {
    let window = Duration::from_millis(rng.u64(500..4_000));
    let limit = rng.u32(4..40);
    let mut quotas = vec![Quota::new(limit, window)];
    if rng.bool() {
        let times = rng.u32(2..8);
        quotas.push(Quota::new(limit * times - rng.u32(0..limit * (times - 1)), window * times));
    }
    Policy::new(&quotas).unwrap()
}

/// How many of the histories exceed a limit, and how many permits were granted and lost in all.
///
/// Half of them are random, and the others are near the worst that can happen. A twin has only these.
fn exceeding(twin: Twin, histories: u64) -> (u64, u64, u64) {
    let (mut exceeded, mut granted, mut lost) = (0, 0, 0);
    for seed in 0..histories {
        let mut rng = Rng::with_seed(seed);
        let policy = policy(&mut rng);
        let smallest = policy.quotas().iter().map(Quota::limit).min().unwrap();
        let life = Duration::from_millis(rng.u64(60..1_200));
        let leases = Leases::new(policy, WhenAway::Refuse).unwrap();
        let leases = leases.with_life(life).unwrap().with_burst(rng.u32(1..=smallest)).unwrap();
        let leases = leases.with_timeout(life / 2).unwrap();
        let window = u64::try_from(policy.quotas()[0].window().as_nanos()).unwrap();
        let nodes = rng.usize(1..=8);
        let world = World {
            nodes,
            length: window * 25,
            pause: window * nodes as u64 / (u64::from(smallest) * rng.u64(1..4)),
            faults: true,
            slow: rng.u64(1_000_000..=u64::try_from(life.as_nanos()).unwrap() / 3),
            worst: None,
        };
        let world = if rng.bool() || twin != Twin::Whole {
            let plan = leases.plan();
            let quiet = u64::try_from((plan.interval() * (plan.burst() + 2)).as_nanos()).unwrap();
            let hold = u64::try_from(life.as_nanos()).unwrap();
            let quota = policy.quotas()[rng.usize(0..policy.quotas().len())];
            let use_up = u64::try_from(quota.window().as_nanos()).unwrap();
            let cycle = quiet + hold + use_up;
            World { worst: Some([quiet, hold, use_up]), length: cycle * 6, pause: world.pause / 3, ..world }
        } else {
            world
        };
        let out = Simulation::run(&leases, twin, world, seed);
        granted += out.grants.len() as u64;
        lost += out.lost;
        exceeded += u64::from(policy.quotas().iter().any(|quota| {
            let window = u64::try_from(quota.window().as_nanos()).unwrap();
            busiest(&out.grants, window) > u64::from(quota.limit())
        }));
    }
    println!(
        "{twin:?}: {exceeded} of {histories} histories exceed a limit; {granted} grants, {lost} permits lost"
    );
    (exceeded, granted, lost)
}

/// `HISTORIES=100000 cargo test --release -p tollgate-redis --lib histories` for more.
fn histories() -> u64 {
    std::env::var("HISTORIES").ok().and_then(|text| text.parse().ok()).unwrap_or(4_000)
}

#[test]
fn no_window_is_exceeded_whatever_happens() {
    let (exceeded, granted, lost) = exceeding(Twin::Whole, histories());
    assert_eq!(exceeded, 0);
    assert!(granted > 50 * histories() && lost > histories());
}

#[test]
fn without_the_guard_windows_are_exceeded() {
    assert!(exceeding(Twin::WithoutGuard, 1_000).0 > 0);
}

#[test]
fn with_a_life_that_counts_from_the_answer_windows_are_exceeded() {
    assert!(exceeding(Twin::FromTheAnswer, 4_000).0 > 0);
}

#[test]
fn with_sleeps_that_are_not_seen_windows_are_exceeded() {
    assert!(exceeding(Twin::SleepsUnseen, 4_000).0 > 0);
}

#[test]
fn with_clocks_that_are_too_slow_windows_are_exceeded() {
    assert!(exceeding(Twin::SlowClocks, 4_000).0 > 0);
}

#[test]
fn the_count_of_windows_is_that_of_brute_force() {
    for seed in 0..200 {
        let mut rng = Rng::with_seed(seed);
        let mut at = 0;
        let grants: Vec<_> = (0..50)
            .map(|_| {
                at += rng.u64(0..10);
                (at, rng.u32(1..4))
            })
            .collect();
        let from = |start: u64| {
            let inside = grants.iter().filter(|&&(at, _)| at >= start && at - start < 20);
            inside.map(|&(_, n)| u64::from(n)).sum::<u64>()
        };
        assert_eq!(busiest(&grants, 20), grants.iter().map(|&(at, _)| from(at)).max().unwrap());
    }
}
