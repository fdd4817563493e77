//! A clock that reads a counter and is corrected by the operating system's clock, by whichever thread reads it next.
//!
//! `anchor.rs` says how counts become nanoseconds and when a counter cannot be trusted. This file shares the newest anchor
//! among threads. It does so by a sequence lock for which no thread ever waits.
//!
//! # State
//!
//! - `version: { number: 63, writing: 1 }`
//! - `line`: the four words of a [`Line`]
//! - `rest`: the other words of an [`Anchor`]
//!
//! A thread that has a new sample takes these steps: claim `{ v, 0 }` by `{ v, 1 }`; write each word; publish `{ v + 1, 0 }`.
//!
//! - I1. Only the thread whose claim succeeded writes words, and only until it publishes.
//! - I2. While `writing` is 0, the words are those of one anchor. Every number is published only once. So if a thread reads
//!   the same version twice, with `writing` 0, the anchor was the same in between.
//! - I3. A thread takes its sample after it has read the version that it claims, so after the anchor of that version was
//!   published. So a sample is never older than the anchor with which it is compared.
//!
//! # Linearization
//!
//! Readings are not put into one order. Each makes a promise of its own: at some moment of the call, it is not above the
//! system's clock and at most `MAX_ERROR` below it.
//!
//! | operation | outcome | takes effect at | because |
//! |---|---|---|---|
//! | `now` | by the line | the reading of the counter | the line was that of one anchor (I2). It is right for every count that is on it, however old the anchor is |
//! | `now` | by the system | the last reading of the system's clock | it is what the system says |
//!
//! Every call ends after a fixed number of steps, whatever other threads do (wait-free). If a thread is stopped after its
//! claim, the others read the system's clock until it goes on, which is right and three times as slow. The same happens in
//! a child process that was forked at such a moment.
//!
//! # Orderings
//!
//! Promise to the caller: none about other memory.
//!
//! | site | operation | ordering | pairs with | if weaker | held by |
//! |---|---|---|---|---|---|
//! | S | load `version` | Acquire | E | words of the anchor before are taken for those of this one | `weak_version_load` |
//! | F | load a word | Acquire | W | V misses that another anchor is being written | `weak_word_load` |
//! | V | load `version` again | Relaxed | - | is the weakest: F orders it | `two_readers_and_an_anchor` |
//! | C | CAS `version`, claim | Relaxed, Relaxed | - | is the weakest: S has acquired what it replaces, and W orders it before the words | `two_anchors_at_once` |
//! | W | store a word | Release | F | V misses that another anchor is being written | `weak_word_store` |
//! | E | store `version`, publish | Release | S | words of the anchor before are taken for those of this one | `weak_publish` |

use core::array;

use super::anchor::{Anchor, Line, Sample};
use crate::sync::AtomicU64;
use crate::sync::Ordering::{Acquire, Relaxed, Release};

/// Something that counts at a nearly constant rate.
pub(super) trait Counter {
    fn count(&self) -> u64;
}

/// The operating system's monotonic clock.
pub(super) trait System {
    fn nanos(&self) -> u64;
}

#[derive(Debug)]
pub(super) struct Anchored<C, S> {
    words: Words,
    counter: C,
    system: S,
}

/// All that every reading loads is in the first 64 bytes.
#[derive(Debug)]
#[repr(C, align(64))]
struct Words {
    version: AtomicU64,
    line: [AtomicU64; 4],
    rest: [AtomicU64; 6],
}

const WRITING: u64 = 1;

impl<C: Counter, S: System> Anchored<C, S> {
    pub(super) fn new(counter: C, system: S) -> Anchored<C, S> {
        Anchored { words: Words::new(&Anchor::NONE), counter, system }
    }

    pub(super) fn system(&self) -> &S {
        &self.system
    }

    /// Nanoseconds since the origin of the system's clock, at most `MAX_ERROR` less than it says.
    #[inline]
    pub(super) fn now(&self) -> u64 {
        // The count is read after the line. So a thread that is stopped in between finds its count after the line's end.
        match self.words.read_line().and_then(|line| line.at(self.counter.count())) {
            Some(nanos) => nanos,
            None => self.by_the_system(),
        }
    }

    #[cold]
    #[inline(never)]
    fn by_the_system(&self) -> u64 {
        let version = self.words.version();
        let before = self.system.nanos();
        if version & WRITING != 0 || before < self.words.due() {
            return before;
        }
        let count = self.counter.count();
        let after = self.system.nanos();
        if self.words.claim(version) {
            let anchor = self.words.read_anchor().after(Sample { before, count, after });
            self.words.write(&anchor);
            self.words.publish(version);
        }
        after
    }
}

impl Words {
    fn new(anchor: &Anchor) -> Words {
        let (line, rest) = spelled(anchor);
        Words { version: AtomicU64::new(0), line: line.map(AtomicU64::new), rest: rest.map(AtomicU64::new) }
    }

    /// `None` if another thread is writing.
    #[inline]
    fn read_line(&self) -> Option<Line> {
        let version = self.version();
        let [start, nanos, rate, len] = array::from_fn(|i| read(&self.line[i]));
        let unchanged = self.version.load(Relaxed) == version; // V
        (unchanged && version & WRITING == 0).then_some(Line { start, nanos, rate, len })
    }

    #[inline]
    fn version(&self) -> u64 {
        self.version.load(Acquire) // S
    }

    fn due(&self) -> u64 {
        read(&self.rest[DUE])
    }

    fn claim(&self, version: u64) -> bool {
        self.version.compare_exchange(version, version | WRITING, Relaxed, Relaxed).is_ok() // C
    }

    /// Only for the thread that has claimed.
    fn read_anchor(&self) -> Anchor {
        let [start, nanos, rate, len] = array::from_fn(|i| read(&self.line[i]));
        let line = Line { start, nanos, rate, len };
        let [before, count, after, rate, faults, due] = array::from_fn(|i| read(&self.rest[i]));
        Anchor { line, since: Sample { before, count, after }, rate, due, faults }
    }

    /// Only for the thread that has claimed.
    fn write(&self, anchor: &Anchor) {
        let (line, rest) = spelled(anchor);
        let words = self.line.iter().chain(&self.rest);
        for (word, value) in words.zip(line.into_iter().chain(rest)) {
            word.store(value, Release); // W
        }
    }

    /// Only for the thread that has claimed `version`.
    fn publish(&self, version: u64) {
        self.version.store(version + 2, Release); // E
    }
}

#[inline]
fn read(word: &AtomicU64) -> u64 {
    word.load(Acquire) // F
}

/// The place of `due` in `rest`.
const DUE: usize = 5;

fn spelled(anchor: &Anchor) -> ([u64; 4], [u64; 6]) {
    let Anchor { line, since, rate, due, faults } = *anchor;
    (
        [line.start, line.nanos, line.rate, line.len],
        [since.before, since.count, since.after, rate, faults, due],
    )
}
