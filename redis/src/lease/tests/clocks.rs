//! The clock of a node notices a sleep, wherever it falls.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tollgate::Nanos;

use crate::lease::time::{FRESH, TwoClocks, Watch};

/// Each reading of a clock takes a step of 50 ns. The machine sleeps before one of the steps, and then only the wall clock goes on,
/// but for the time in which it falls asleep and wakes up.
#[derive(Debug, Default)]
struct World {
    step: AtomicU64,
    slept: AtomicU64,
    set_back: AtomicU64,
    sleep_before: u64,
    sleep: u64,
    falls_asleep_in: u64,
    fell: AtomicU64,
    /// The monotonic clock at each reading, and the time that had passed in truth.
    read: Mutex<Vec<(u64, u64)>>,
}

impl World {
    fn step(&self) -> u64 {
        let step = self.step.fetch_add(1, SeqCst);
        if step == self.sleep_before {
            self.slept.fetch_add(self.sleep, SeqCst);
            self.fell.fetch_add(self.falls_asleep_in, SeqCst);
        }
        (step + 1) * 50 + self.fell.load(SeqCst)
    }

    /// The time that has passed in truth.
    fn passed(&self) -> u64 {
        self.step.load(SeqCst) * 50 + self.fell.load(SeqCst) + self.slept.load(SeqCst)
    }

    /// So much later, with the machine awake.
    fn pass(&self, nanos: u64) {
        self.step.fetch_add(nanos / 50, SeqCst);
    }
}

impl World {
    fn passed_at(&self, reading: Nanos) -> u64 {
        let read = self.read.lock().unwrap();
        read.iter().find(|&&(at, _)| at == reading.as_nanos()).unwrap().1
    }
}

impl TwoClocks for Arc<World> {
    fn monotonic(&self) -> Nanos {
        let at = self.step();
        self.read.lock().unwrap().push((at, self.passed()));
        Nanos::from_nanos(at)
    }

    fn wall(&self) -> u64 {
        let awake = self.step();
        (1_u64 << 60) + awake + self.slept.load(SeqCst) - self.set_back.load(SeqCst)
    }
}

const TOLERANCE: Duration = Duration::from_millis(1);

/// How many sleeps were seen, and how many were not, between two readings. A sleep falls before each of the steps, with long
/// and short pauses between the readings.
fn sleeps(falls_asleep_in: u64) -> (u32, u32) {
    let (mut seen, mut unseen) = (0, 0);
    for sleep in [1_000, 900_000, 1_100_000, 2_100_000, 3_600_000_000_000] {
        for pause in [0, 5_000, FRESH - 100, FRESH] {
            for sleep_before in 0..24 {
                let sleep_before = sleep_before % 12 + sleep_before / 12 * (pause / 50);
                let world = Arc::new(World { sleep_before, sleep, falls_asleep_in, ..World::default() });
                let watch = Watch::new(Arc::clone(&world), TOLERANCE);
                let slack = u64::try_from(watch.max_unseen().as_nanos()).unwrap() + 200;
                for _ in 0..3 {
                    let asked = watch.read();
                    world.pass(pause);
                    let used = watch.read();
                    // The last thing that a reading does is to read a clock: until then every sleep counts.
                    let passed = world.passed() - world.passed_at(asked.at);
                    let counted = used.at.as_nanos() - asked.at.as_nanos();
                    if asked.jumps != used.jumps {
                        seen += 1;
                    } else if passed > counted + slack {
                        unseen += 1;
                    }
                }
            }
        }
    }
    (seen, unseen)
}

#[test]
fn a_sleep_between_any_two_steps_is_seen() {
    let (seen, unseen) = sleeps(FRESH);
    println!("{seen} sleeps between two readings were seen");
    assert!(seen > 30);
    assert_eq!(unseen, 0);
}

/// What the clock assumes is needed.
#[test]
fn a_machine_that_falls_asleep_too_fast_is_not_seen() {
    assert!(sleeps(FRESH - 1_000).1 > 0);
}

#[test]
fn a_wall_clock_that_is_set_drops_leases_and_nothing_else() {
    let world = Arc::new(World { sleep_before: u64::MAX, ..World::default() });
    let watch = Watch::new(Arc::clone(&world), TOLERANCE);
    assert_eq!(watch.read().jumps, 0);
    world.set_back.store(900_000, SeqCst); // within the tolerance
    world.pass(FRESH);
    assert_eq!(watch.read().jumps, 0);
    world.set_back.store(3_600_000_000_000, SeqCst);
    assert_eq!(watch.read().jumps, 0); // by the comparison before
    world.pass(FRESH);
    assert_eq!(watch.read().jumps, 1);
    assert_eq!(watch.read().jumps, 1);
    world.set_back.store(0, SeqCst);
    world.pass(FRESH);
    assert_eq!(watch.read().jumps, 2);
    let before = watch.read().at;
    assert!(watch.read().at > before);
}
