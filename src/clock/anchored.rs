//! A clock that reads a counter and is corrected by the operating system's clock, by whichever thread reads it next.
//!
//! `anchor.rs` says how counts become nanoseconds and when a counter cannot be trusted. This file shares the newest anchor
//! among threads, by a sequence lock for which no thread ever waits.
//!
//! # State
//!
//! - `version: { number: 63, writing: 1 }`
//! - `line`: the four words of a [`Line`]
//! - `rest`: the other words of an [`Anchor`]
//! - `missed`: when a reading last found no line that it could use. It is no part of an anchor.
//!
//! A thread that has a new sample takes these steps: claim `{ v, 0 }` by `{ v, 1 }`; write each word; publish `{ v + 1, 0 }`.
//!
//! - I1. Only the thread whose claim succeeded writes words, and only until it publishes.
//! - I2. While `writing` is 0, the words are those of one anchor. Every number is published only once. So if a thread reads
//!   the same version twice, with `writing` 0, the anchor was the same in between.
//! - I3. A thread takes its sample after it has read the version that it claims, so after the anchor of that version was
//!   published. So a sample is never older than the anchor with which it is compared.
//! - I4. `missed` only decides whether a reading takes a sample. Both answers are right, so any value of it is right.
//!
//! # Linearization
//!
//! Readings are not put into one order. Each makes a promise of its own: at some moment of the call, it is not above the
//! system's clock and at most `MAX_ERROR` below it.
//!
//! | operation | outcome | takes effect at | because |
//! |---|---|---|---|
//! | `now` | by the line | the reading of the counter | the line was that of one anchor (I2). It is right for every count that is on it, however old the anchor is, if the counter has run evenly since then. If the counter has stopped or jumped back, the reading is late by as much; if it has jumped forward, the reading is ahead by as much |
//! | `now` | by the system | the last reading of the system's clock | it is what the system says |
//!
//! A call never repeats a step, whatever other threads do. So it is wait-free where the CPU compares and exchanges in one
//! instruction; elsewhere, C is a loop of the CPU's. If a thread is stopped after its claim, the others read the system's
//! clock until it goes on, which is right and three times as slow. The same happens in a child process that was forked at
//! such a moment.
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
//! | M | load `missed` | Relaxed | - | is the weakest: any value is right (I4) | `a_rare_reading_and_an_anchor` |
//! | N | store `missed` | Relaxed | - | is the weakest: any value is right (I4) | `a_rare_reading_and_an_anchor` |
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
    missed: AtomicU64,
}

const WRITING: u64 = 1;

/// If the last reading that missed a line was longer ago than this, in nanoseconds, the next reading may be as far away, and a
/// new line would not last until then. It is a little more than a line lasts, so readings in quick succession make the
/// next line at once.
const RARE: u64 = 110_000;

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
        // A sample takes a second reading of the system's clock. It does not pay if nobody uses the line.
        if self.words.missed_at(before) < before.saturating_sub(RARE) {
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
        let (line, rest) = words_of(anchor);
        Words {
            version: AtomicU64::new(0),
            line: line.map(AtomicU64::new),
            rest: rest.map(AtomicU64::new),
            missed: AtomicU64::new(0),
        }
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

    /// When a line was missed before, now that it is missed again.
    fn missed_at(&self, now: u64) -> u64 {
        let before = self.missed.load(Relaxed); // M
        self.missed.store(now, Relaxed); // N
        before
    }

    fn claim(&self, version: u64) -> bool {
        self.version.compare_exchange(version, version | WRITING, Relaxed, Relaxed).is_ok() // C
    }

    /// Only for the thread that has claimed.
    fn read_anchor(&self) -> Anchor {
        let [start, nanos, rate, len] = array::from_fn(|i| read(&self.line[i]));
        let line = Line { start, nanos, rate, len };
        let [before, count, after, rate, forgiven, due] = array::from_fn(|i| read(&self.rest[i]));
        Anchor { line, since: Sample { before, count, after }, rate, due, forgiven }
    }

    /// Only for the thread that has claimed.
    fn write(&self, anchor: &Anchor) {
        let (line, rest) = words_of(anchor);
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

fn words_of(anchor: &Anchor) -> ([u64; 4], [u64; 6]) {
    let Anchor { line, since, rate, due, forgiven } = *anchor;
    (
        [line.start, line.nanos, line.rate, line.len],
        [since.before, since.count, since.after, rate, forgiven, due],
    )
}
