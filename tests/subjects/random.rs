//! Random policies, and random histories that try the places where limiters go wrong.

#![allow(unreachable_pub, reason = "a module of test binaries: nothing is reachable from outside")]

use std::fmt;
use std::time::Duration;

use proptest::prelude::*;
use tollgate::{Algorithm, Policy, Quota};

use crate::oracle::{Answer, Rule};
use crate::subjects::{call, rules};

/// One call of a history. Its instant and its size are worked out as the history is played, from the policy and
/// from the last refusal.
#[derive(Clone, Copy)]
pub struct Call {
    moved: Move,
    size: Size,
}

/// On one line, for a failure shows a whole history.
impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format!("{:?} {:?}", self.moved, self.size))
    }
}

#[derive(Clone, Copy, Debug)]
enum Move {
    /// The same instant again.
    Stay,
    /// Forward by a whole window, and a little more or less.
    Window(usize, i64),
    /// Forward by so many 65536ths of a window.
    Part(usize, u64),
    /// Forward by `window / limit`, and a little more or less.
    Interval(usize, i64),
    /// Forward by many windows.
    Idle(usize, u64),
    /// Forward by a few nanoseconds.
    Step(u64),
    /// To the retry instant of the last refusal, or just beside it.
    Retry(i64),
    /// Back by so many 65536ths of a window.
    Back(usize, u64),
    /// Anywhere.
    To(u64),
}

#[derive(Clone, Copy, Debug)]
enum Size {
    Of(u32),
    /// So many 256ths of the smallest limit, rounded up.
    Share(u32),
    /// The limit of a quota, and a little more or less.
    Limit(usize, i64),
}

fn span() -> impl Strategy<Value = u64> {
    const HUMAN: [u64; 6] =
        [1_000_000, 250_000_000, 1_000_000_000, 10_000_000_000, 60_000_000_000, 3_600_000_000_000];
    prop_oneof![
        5 => (0_u32..50).prop_flat_map(|bits| (1_u64 << bits)..(2 << bits)),
        3 => prop::sample::select(&HUMAN[..]),
        1 => 1_u64..10,
    ]
}

fn limit() -> impl Strategy<Value = u32> {
    prop_oneof![6 => 1_u32..=8, 5 => 1_u32..=60, 1 => 61_u32..=400]
}

/// `lengths` quotas before those with an equal window are dropped, and a guard.
pub fn policies(lengths: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = Policy> {
    let guard = prop_oneof![3 => Just(0), 1 => span().prop_map(|span| span / 8)];
    (prop::collection::vec((limit(), span()), lengths), guard).prop_map(|(pairs, guard)| {
        let mut quotas: Vec<Quota> = Vec::new();
        for (limit, window) in pairs {
            let quota = Quota::new(limit, Duration::from_nanos(window));
            if quotas.iter().all(|other| other.window() != quota.window()) {
                quotas.push(quota);
            }
        }
        Policy::new(&quotas).unwrap().with_guard(Duration::from_nanos(guard)).unwrap()
    })
}

/// Two quotas so far apart that two buckets in a word need a grid about as coarse as is allowed: minutes and
/// fortnights.
pub fn coarse_pairs() -> impl Strategy<Value = Policy> {
    (20_u32..=400, 1_u64 << 37..1 << 39, 20_u32..=400, 1_u64 << 49..1 << 51).prop_map(
        |(few, short, many, long)| {
            let quota = |limit, window| Quota::new(limit, Duration::from_nanos(window));
            Policy::new(&[quota(few, short), quota(many, long)]).unwrap()
        },
    )
}

/// Up to eight quotas, mostly few.
pub fn any_policy() -> impl Strategy<Value = Policy> {
    prop_oneof![policies(1..=1), policies(2..=2), policies(3..=8)]
}

fn size() -> impl Strategy<Value = Size> {
    prop_oneof![
        1 => Just(Size::Of(0)),
        8 => Just(Size::Of(1)),
        4 => (1_u32..=256).prop_map(Size::Share),
        2 => (0_usize..8, -1_i64..=1).prop_map(|(quota, off)| Size::Limit(quota, off)),
        1 => any::<u32>().prop_map(Size::Of),
    ]
}

/// Histories on a clock that only goes forward.
pub fn forward(calls: usize) -> impl Strategy<Value = Vec<Call>> {
    let moved = prop_oneof![
        6 => Just(Move::Stay),
        2 => (0_usize..8, -2_i64..=2).prop_map(|(quota, off)| Move::Window(quota, off)),
        3 => (0_usize..8, 0_u64..65_536).prop_map(|(quota, part)| Move::Part(quota, part)),
        3 => (0_usize..8, -2_i64..=2).prop_map(|(quota, off)| Move::Interval(quota, off)),
        1 => (0_usize..8, 1_u64..5).prop_map(|(quota, times)| Move::Idle(quota, times)),
        2 => (0_u64..40).prop_map(Move::Step),
        6 => (-1_i64..=1).prop_map(Move::Retry),
    ];
    prop::collection::vec((moved, size()).prop_map(|(moved, size)| Call { moved, size }), 1..=calls)
}

/// Histories on any clock: it repeats, goes back, and leaps to the end of time.
pub fn wild(calls: usize) -> impl Strategy<Value = Vec<Call>> {
    let back = (0_usize..8, 0_u64..65_536).prop_map(|(quota, part)| Move::Back(quota, part));
    let far = prop_oneof![Just(0), Just(u64::MAX), (0_u64..4).prop_map(|less| u64::MAX - less), any::<u64>()];
    let astray = prop_oneof![12 => back, 1 => far.prop_map(Move::To)];
    let astray = (astray, size()).prop_map(|(moved, size)| Call { moved, size });
    (forward(calls), prop::collection::vec((any::<prop::sample::Index>(), astray), 0..=calls / 4)).prop_map(
        |(mut calls, astray)| {
            for (place, call) in astray {
                calls.insert(place.index(calls.len()), call);
            }
            calls
        },
    )
}

/// Plays a history: turns each [`Call`] into an instant and a size.
#[derive(Clone, Debug)]
pub struct Player {
    rules: Vec<Rule>,
    now: u64,
    retry_at: Option<u64>,
}

impl Player {
    pub fn new(policy: &Policy) -> Player {
        Player { rules: rules(policy), now: 0, retry_at: None }
    }

    fn rule(&self, quota: usize) -> Rule {
        self.rules[quota % self.rules.len()]
    }

    pub fn next(&mut self, call: Call) -> (u64, u32) {
        let now = self.now;
        let part = |rule: Rule, part: u64| {
            u64::try_from(u128::from(rule.window) * u128::from(part) / 65_536).unwrap()
        };
        self.now = match call.moved {
            Move::Stay => now,
            Move::Window(quota, off) => {
                now.saturating_add(self.rule(quota).window).saturating_add_signed(off).max(now)
            }
            Move::Part(quota, share) => now.saturating_add(part(self.rule(quota), share)),
            Move::Interval(quota, off) => {
                let Rule { limit, window } = self.rule(quota);
                now.saturating_add(window / u64::from(limit)).saturating_add_signed(off).max(now)
            }
            Move::Idle(quota, times) => now.saturating_add(self.rule(quota).window.saturating_mul(times)),
            Move::Step(nanos) => now.saturating_add(nanos),
            Move::Retry(off) => self.retry_at.map_or(now, |at| at.saturating_add_signed(off)).max(now),
            Move::Back(quota, share) => now.saturating_sub(part(self.rule(quota), share)),
            Move::To(instant) => instant,
        };
        let least = self.rules.iter().map(|rule| rule.limit).min().unwrap();
        let size = match call.size {
            Size::Of(n) => n,
            Size::Share(share) => u32::try_from((u64::from(least) * u64::from(share)).div_ceil(256)).unwrap(),
            Size::Limit(quota, off) => u32::try_from(i64::from(self.rule(quota).limit) + off).unwrap(),
        };
        (self.now, size)
    }

    /// Remembers the last refusal.
    pub fn heard(&mut self, answer: Answer) {
        if let Answer::Denied { retry_at: Some(instant), .. } = answer {
            self.retry_at = Some(instant);
        }
    }
}

/// Plays all calls on one algorithm. Returns the calls it granted.
pub fn play(subject: &(impl Algorithm + ?Sized), calls: &[Call]) -> Vec<(u64, u32)> {
    let mut player = Player::new(subject.policy());
    let mut granted = Vec::new();
    for &each in calls {
        let (now, n) = player.next(each);
        let answer = call(subject, now, n);
        player.heard(answer);
        if answer == Answer::Granted && n > 0 {
            granted.push((now, n));
        }
    }
    granted
}
