//! The clock of a node notices a sleep, wherever it falls.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tollgate::Nanos;

use crate::lease::time::{TwoClocks, Watch};

/// Each reading of a clock takes a step of 50 ns. The machine sleeps before one of the steps, and then only the wall clock goes on.
#[derive(Debug, Default)]
struct World {
    step: AtomicU64,
    slept: AtomicU64,
    set_back: AtomicU64,
    sleep_before: u64,
    sleep: u64,
    /// The monotonic clock at each reading, and the time that had passed in truth.
    read: Mutex<Vec<(u64, u64)>>,
}

impl World {
    fn step(&self) -> u64 {
        let step = self.step.fetch_add(1, SeqCst);
        if step == self.sleep_before {
            self.slept.fetch_add(self.sleep, SeqCst);
        }
        (step + 1) * 50
    }

    /// The time that has passed in truth.
    fn passed(&self) -> u64 {
        self.step.load(SeqCst) * 50 + self.slept.load(SeqCst)
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

#[test]
fn a_sleep_between_any_two_steps_is_seen() {
    let mut seen = 0;
    for sleep in [1_000, 900_000, 1_100_000, 2_100_000, 3_600_000_000_000] {
        for sleep_before in 0..12 {
            let world = Arc::new(World { sleep_before, sleep, ..World::default() });
            let watch = Watch::new(Arc::clone(&world), TOLERANCE);
            let unseen = u64::try_from(watch.max_unseen().as_nanos()).unwrap();
            for _ in 0..3 {
                let asked = watch.read();
                let used = watch.read();
                // The last thing that a reading does is to read the wall clock: until then every sleep counts.
                let passed = world.passed() - world.passed_at(asked.at);
                let counted = used.at.as_nanos() - asked.at.as_nanos();
                if asked.jumps == used.jumps {
                    assert!(
                        passed <= counted + unseen + 200,
                        "slept {sleep} before step {sleep_before}, unseen"
                    );
                } else {
                    seen += 1;
                }
            }
        }
    }
    println!("{seen} sleeps between two readings were seen");
    assert!(seen > 0);
}

#[test]
fn a_wall_clock_that_is_set_drops_leases_and_nothing_else() {
    let world = Arc::new(World { sleep_before: u64::MAX, ..World::default() });
    let watch = Watch::new(Arc::clone(&world), TOLERANCE);
    assert_eq!(watch.read().jumps, 0);
    world.set_back.store(900_000, SeqCst); // within the tolerance
    assert_eq!(watch.read().jumps, 0);
    world.set_back.store(3_600_000_000_000, SeqCst);
    assert_eq!(watch.read().jumps, 1);
    assert_eq!(watch.read().jumps, 1);
    world.set_back.store(0, SeqCst);
    assert_eq!(watch.read().jumps, 2);
    let before = watch.read().at;
    assert!(watch.read().at > before);
}
