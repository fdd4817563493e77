//! One clock for everybody: a cell that the benchmark moves, alone or on top of a real clock.
//!
//! Before every call there is one store to the cell, and in the call one load of it. This holds for every limiter that
//! accepts a clock. On a real clock, the cell adds the same time as on the fixed one, so the same rule is in force and the
//! same calls are granted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant, SystemTime};

/// The cell, on a cache line of its own.
#[derive(Clone, Debug, Default)]
pub struct Hand(Arc<Line>);

#[derive(Debug, Default)]
#[repr(align(128))]
struct Line(AtomicU64);

impl Hand {
    #[inline]
    pub fn set(&self, nanos: u64) {
        self.0.0.store(nanos, Relaxed);
    }

    pub fn advance(&self, nanos: u64) {
        self.0.0.fetch_add(nanos, Relaxed);
    }

    #[inline]
    pub fn get(&self) -> u64 {
        self.0.0.load(Relaxed)
    }
}

/// A clock that a hand can move forward.
pub trait Time: Clone + Send + Sync + 'static {
    const NAME: &'static str;
    fn new(hand: &Hand) -> Self;
    fn nanos(&self) -> u64;
    /// For the crates whose instants are `std::time::Instant`.
    fn instant(&self) -> Instant;
}

/// The hand alone.
#[derive(Clone, Debug)]
pub struct Fixed {
    hand: Hand,
    anchor: Instant,
}

/// `quanta` and the hand.
#[derive(Clone, Debug)]
pub struct Tsc {
    hand: Hand,
    anchor: Instant,
    clock: quanta::Clock,
    origin: quanta::Instant,
}

/// `std::time::Instant` and the hand.
#[derive(Clone, Debug)]
pub struct Os {
    hand: Hand,
    anchor: Instant,
}

impl Time for Fixed {
    const NAME: &'static str = "fixed";

    fn new(hand: &Hand) -> Fixed {
        Fixed { hand: hand.clone(), anchor: Instant::now() }
    }

    #[inline]
    fn nanos(&self) -> u64 {
        self.hand.get()
    }

    #[inline]
    fn instant(&self) -> Instant {
        self.anchor + Duration::from_nanos(self.hand.get())
    }
}

impl Time for Tsc {
    const NAME: &'static str = "quanta";

    fn new(hand: &Hand) -> Tsc {
        let clock = quanta::Clock::new();
        let origin = clock.now();
        Tsc { hand: hand.clone(), anchor: Instant::now(), clock, origin }
    }

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "584 years")]
    fn nanos(&self) -> u64 {
        self.clock.now().duration_since(self.origin).as_nanos() as u64 + self.hand.get()
    }

    #[inline]
    fn instant(&self) -> Instant {
        self.anchor + Duration::from_nanos(self.nanos())
    }
}

impl Time for Os {
    const NAME: &'static str = "Instant";

    fn new(hand: &Hand) -> Os {
        Os { hand: hand.clone(), anchor: Instant::now() }
    }

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "584 years")]
    fn nanos(&self) -> u64 {
        self.anchor.elapsed().as_nanos() as u64 + self.hand.get()
    }

    #[inline]
    fn instant(&self) -> Instant {
        Instant::now() + Duration::from_nanos(self.hand.get())
    }
}

/// A [`Time`] as each crate wants its clock.
#[derive(Clone, Debug)]
pub struct As<T>(pub T);

impl<T: Time> tollgate::Clock for As<T> {
    #[inline]
    fn now(&self) -> tollgate::Nanos {
        tollgate::Nanos::from_nanos(self.0.nanos())
    }
}

impl<T: Time> governor::clock::Clock for As<T> {
    type Instant = governor::nanos::Nanos;

    #[inline]
    fn now(&self) -> Self::Instant {
        self.0.nanos().into()
    }
}

impl<T: Time> ratelimit::Clock for As<T> {
    #[inline]
    fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.0.nanos())
    }
}

impl<T: Time> clock_lib::Clock for As<T> {
    #[inline]
    fn now(&self) -> clock_lib::Monotonic {
        self.0.instant().into()
    }

    fn wall(&self) -> clock_lib::Wall {
        SystemTime::now().into()
    }
}
