//! A simulated machine: its counter, its operating system's clock, and threads that are interrupted.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::anchor::MAX_ERROR;
use crate::anchored::{Anchored, Counter, System};

/// Nanoseconds, and counts, are kept in millionths.
const MILLION: u128 = 1_000_000;

pub(crate) const US: u64 = 1_000;
pub(crate) const MS: u64 = 1_000_000;
pub(crate) const S: u64 = 1_000_000_000;

#[derive(Debug)]
pub(crate) struct World {
    nanos: Cell<u128>,
    /// Real time, in millionths of a nanosecond times the counts in a microsecond.
    counts: Cell<u128>,
    /// Counts in a microsecond.
    pub(crate) rate: Cell<u64>,
    /// How much faster than real time the two run, in millionths.
    pub(crate) counter_ppm: Cell<i64>,
    pub(crate) system_ppm: Cell<i64>,
    pub(crate) stopped: Cell<bool>,
    /// Added to what the counter says: a jump, or what another core's counter differs by.
    pub(crate) offset: Cell<u64>,
    /// One reading in so many is interrupted; 0 for none.
    pub(crate) interrupted: Cell<u32>,
    /// How often the system's clock was read.
    pub(crate) system_readings: Cell<u64>,
    pub(crate) random: RefCell<fastrand::Rng>,
}

impl World {
    pub(crate) fn new(rate: u64, seed: u64) -> Rc<World> {
        Rc::new(World {
            nanos: Cell::new(0),
            counts: Cell::new(0),
            rate: Cell::new(rate),
            counter_ppm: Cell::new(0),
            system_ppm: Cell::new(0),
            stopped: Cell::new(false),
            // So that it passes the end of a word.
            offset: Cell::new(0_u64.wrapping_sub(rate * 20_000)),
            interrupted: Cell::new(0),
            system_readings: Cell::new(0),
            random: RefCell::new(fastrand::Rng::with_seed(seed)),
        })
    }

    pub(crate) fn pass(&self, nanos: u64) {
        let faster = |ppm: i64| u128::from(nanos) * u128::try_from(1_000_000 + ppm).unwrap();
        self.nanos.set(self.nanos.get() + faster(self.system_ppm.get()));
        if !self.stopped.get() {
            self.counts.set(self.counts.get() + faster(self.counter_ppm.get()) * u128::from(self.rate.get()));
        }
    }

    /// What the system's clock says, without reading it.
    pub(crate) fn now(&self) -> u64 {
        u64::try_from(self.nanos.get() / MILLION).unwrap()
    }

    pub(crate) fn counter(&self) -> u64 {
        u64::try_from(self.counts.get() / MILLION / 1_000).unwrap().wrapping_add(self.offset.get())
    }

    pub(crate) fn jump(&self, counts: i64) {
        self.offset.set(self.offset.get().wrapping_add_signed(counts));
    }

    pub(crate) fn below(&self, end: u64) -> u64 {
        self.random.borrow_mut().u64(..end)
    }

    /// A few nanoseconds of work, and sometimes an interruption.
    fn work(&self) {
        self.pass(2 + self.below(20));
        if self.interrupted.get() > 0 && self.below(u64::from(self.interrupted.get())) == 0 {
            self.pass(self.below(1 << self.below(24)));
        }
    }
}

impl Counter for Rc<World> {
    fn count(&self) -> u64 {
        self.work();
        let count = self.counter();
        self.work();
        count
    }
}

impl System for Rc<World> {
    fn nanos(&self) -> u64 {
        self.system_readings.set(self.system_readings.get() + 1);
        self.work();
        let nanos = self.now();
        self.work();
        nanos
    }
}

/// The clock of a simulated world.
pub(crate) struct Simulated {
    pub(crate) world: Rc<World>,
    pub(crate) clock: Anchored<Rc<World>, Rc<World>>,
}

/// How far a reading was off: nanoseconds ahead of the system's clock when the call returned, and behind it when the
/// call began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Off {
    pub(crate) ahead: u64,
    pub(crate) behind: u64,
}

impl Simulated {
    pub(crate) fn new(rate: u64, seed: u64) -> Simulated {
        let world = World::new(rate, seed);
        let clock = Anchored::new(Rc::clone(&world), Rc::clone(&world));
        Simulated { world, clock }
    }

    pub(crate) fn read(&self) -> Off {
        let called = self.world.now();
        let reading = self.clock.now();
        let returned = self.world.now();
        Off { ahead: reading.saturating_sub(returned), behind: called.saturating_sub(reading) }
    }

    /// A reading that keeps the promise.
    #[track_caller]
    pub(crate) fn read_right(&self) {
        let off = self.read();
        assert_eq!(off.ahead, 0, "ahead of the system's clock at {}", self.world.now());
        assert!(off.behind <= MAX_ERROR, "{} ns behind at {}", off.behind, self.world.now());
    }

    /// Reads again and again, at most `gap` apart, for some time.
    #[track_caller]
    pub(crate) fn read_right_for(&self, nanos: u64, gap: u64) {
        let end = self.world.now() + nanos;
        while self.world.now() < end {
            self.read_right();
            self.world.pass(self.world.below(gap));
        }
    }

    /// How many of some readings needed the system's clock.
    pub(crate) fn readings_of_the_system(&self, readings: u64) -> u64 {
        let before = self.world.system_readings.get();
        (0..readings).for_each(|_| self.read_right());
        self.world.system_readings.get() - before
    }

    /// Whether the counter is trusted: few readings need the system's clock.
    pub(crate) fn counts(&self) -> bool {
        self.readings_of_the_system(1_000) < 10
    }

    /// The rate has been measured.
    pub(crate) fn started(rate: u64, seed: u64) -> Simulated {
        let simulated = Simulated::new(rate, seed);
        simulated.read_right_for(20 * MS, 100);
        assert!(simulated.counts());
        simulated
    }
}
