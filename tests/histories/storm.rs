//! Threads that race on one fresh limiter after another, and the check of what each limiter answered.

use std::hint;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::calls::next_call;
use crate::hook;
use crate::search::{Event, linearizable};
use crate::spec::{Call, Reply, Spec};

pub(crate) type Limiter = Box<dyn Fn(Call) -> Reply + Send + Sync>;

/// Two storms at once would leave each a single processor, and nothing would truly race.
static ONE_STORM: Mutex<()> = Mutex::new(());

/// Set when a thread has panicked: nobody waits for it any more.
static BROKEN: AtomicBool = AtomicBool::new(false);

struct Watch;

impl Drop for Watch {
    fn drop(&mut self) {
        if thread::panicking() {
            BROKEN.store(true, Ordering::Relaxed);
        }
    }
}

/// How the threads race.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Storm {
    pub(crate) threads: usize,
    /// The calls of each thread on one limiter.
    pub(crate) calls: usize,
    pub(crate) rounds: usize,
    /// Whether threads yield at random atomic operations.
    pub(crate) yields: bool,
}

/// One limiter, and all that its threads share.
struct Round {
    limiter: Limiter,
    clock: AtomicU64,
    tickets: AtomicU64,
    arrived: AtomicUsize,
}

/// What was seen.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) calls: usize,
    pub(crate) granted: usize,
    pub(crate) denied: usize,
    /// Calls that began before an earlier one had returned.
    pub(crate) overlapping: usize,
}

impl Storm {
    /// The history of each round.
    pub(crate) fn record(self, most: u32, build: impl Fn() -> Limiter) -> Vec<Vec<Event>> {
        let round = |_| Round {
            limiter: build(),
            clock: AtomicU64::new(0),
            tickets: AtomicU64::new(0),
            arrived: AtomicUsize::new(0),
        };
        let rounds: Vec<Round> = (0..self.rounds).map(round).collect();
        let mut histories = vec![Vec::new(); self.rounds];
        let _all_processors = ONE_STORM.lock().unwrap_or_else(PoisonError::into_inner);
        thread::scope(|scope| {
            let spawn = |seed| {
                let rounds = &rounds;
                scope.spawn(move || self.run(rounds, seed, most))
            };
            let threads: Vec<_> = (0..self.threads as u64).map(spawn).collect();
            for thread in threads {
                for (history, events) in histories.iter_mut().zip(thread.join().expect("no call panics")) {
                    history.extend(events);
                }
            }
        });
        histories
    }

    fn run(self, rounds: &[Round], seed: u64, most: u32) -> Vec<Vec<Event>> {
        let _watch = Watch;
        let mut rng = fastrand::Rng::with_seed(seed);
        if self.yields {
            hook::yield_from(!seed);
        }
        rounds.iter().map(|round| self.play(round, &mut rng, most)).collect()
    }

    fn play(self, round: &Round, rng: &mut fastrand::Rng, most: u32) -> Vec<Event> {
        // Nobody starts alone, or the calls would seldom overlap.
        round.arrived.fetch_add(1, Ordering::Relaxed);
        let all_here = || {
            hint::spin_loop();
            round.arrived.load(Ordering::Relaxed) == self.threads || BROKEN.load(Ordering::Relaxed)
        };
        // Watch for a while: who gives the processor away comes back when the others have done. Then sleep, since
        // beside other programs a thread that yields comes back before those it waits for.
        let mut watches = 0_u32;
        while !(0..200).any(|_| all_here()) {
            watches += 1;
            if watches < 20 {
                thread::yield_now();
            } else {
                thread::sleep(Duration::from_micros(50));
            }
        }
        let ticket = || round.tickets.fetch_add(1, Ordering::SeqCst);
        let mut event = || {
            let call = next_call(rng, &round.clock, most);
            let called = ticket();
            // Here too, for a call that performs none of this crate's atomic operations.
            hook::begin();
            let reply = (round.limiter)(call);
            hook::step();
            Event { called, returned: ticket(), call, reply }
        };
        (0..self.calls).map(|_| event()).collect()
    }

    /// Every history is linearizable.
    pub(crate) fn holds(self, spec: &Spec, most: u32, build: impl Fn() -> Limiter) -> Tally {
        let mut tally = Tally::default();
        for mut history in self.record(most, build) {
            assert!(linearizable(spec, &history), "{self:?}: no order explains {history:#?}");
            tally.add(&mut history);
        }
        tally
    }
}

impl Tally {
    fn add(&mut self, history: &mut [Event]) {
        history.sort_by_key(|event| event.called);
        let mut returned = 0;
        for event in history {
            self.calls += 1;
            self.overlapping += usize::from(event.called < returned);
            returned = returned.max(event.returned);
            match event.reply {
                Reply::Granted => self.granted += 1,
                Reply::Denied { .. } => self.denied += 1,
                Reply::Status(_) | Reply::Held { .. } | Reply::Undone(_) => {}
            }
        }
    }
}
