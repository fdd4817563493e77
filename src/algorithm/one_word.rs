//! A limiter whose state is one word. A call reads the word, works out the next one, and replaces the word if it is still
//! the same.
//!
//! A [`Judge`] knows what the bits mean. It is immutable, so one judge can serve any number of words.
//!
//! # State
//!
//! `word: { as its judge says: 64 }`.
//!
//! - I1. Every grant makes the word larger, as a number. Only undoing makes it smaller.
//! - I2. The words of the grants in force, from the first to the latest, form a chain: each grant starts from the word
//!   that the grant before it left. Only the latest can be undone, and that restores the word it started from. This
//!   follows from I1: all words of the chain differ, so the word `after` of an earlier grant is not the present one.
//!
//! # Linearization
//!
//! | operation | outcome | takes effect at | because |
//! |---|---|---|---|
//! | `try_acquire`, `try_grant` | granted | the successful CAS | it replaces the very word that was read |
//! | `try_acquire`, `try_grant` | denied | the load of the word that was judged | a refusal writes nothing |
//! | `reclaim` | undone | the successful CAS | no later grant is in force (I2), and what was granted and undone meanwhile has left no trace |
//! | `reclaim` | not undone | the failed CAS | a grant in force is later than this one |
//! | `peek`, `load` | | the load | one word is one snapshot |
//!
//! The same word can come back after it was read, if the grants in between were all undone (I2). A CAS that succeeds then
//! is right: the word is the whole state, so nothing has changed.
//!
//! # Orderings
//!
//! Promise to the caller: decisions on one word are totally ordered. A word publishes no other memory, so a permit does
//! not make the holder's earlier writes visible to anybody.
//!
//! | site | operation | ordering | pairs with | if weaker | held by |
//! |---|---|---|---|---|---|
//! | L | load `word` | Relaxed | - | is the weakest: one location has one modification order, and C retries | `counter_two_threads`, `word_two_threads`, `pair_two_threads`, `word_undo`, `pair_undo` |
//! | C | CAS `word` | Relaxed, Relaxed | - | is the weakest: a read-modify-write reads the latest value | `counter_two_threads`, `word_two_threads`, `pair_two_threads`, `word_undo`, `pair_undo` |

use super::backoff;
use crate::decision::{Denied, Grant, Reclaim};
use crate::nanos::Nanos;
use crate::sync::AtomicU64;
use crate::sync::Ordering::Relaxed;

/// What the bits of a word mean. `n` is never 0.
pub(crate) trait Judge {
    /// Whether there is a [`quick`](Judge::quick) answer. The other answers are then kept out of the caller's code.
    const QUICK: bool = false;

    /// How long a call pauses when another one came between.
    const PAUSES: u32 = backoff::ONE_WORD;

    /// The word after a grant of `n` at `now`. It is larger than `word`.
    fn judge(&self, word: u64, now: Nanos, n: u32) -> Result<u64, Denied>;

    /// What `judge` answers, if that is a grant.
    #[inline]
    fn grant(&self, word: u64, now: Nanos, n: u32) -> Option<u64> {
        self.judge(word, now, n).ok()
    }

    /// What `judge` answers, if that is found in a few instructions.
    #[inline]
    fn quick(&self, _word: u64, _now: Nanos, _n: u32) -> Option<Result<u64, Denied>> {
        None
    }
}

/// The state of one limiter.
#[derive(Debug)]
pub(crate) struct Word(AtomicU64);

impl Word {
    pub(crate) fn new(word: u64) -> Word {
        Word(AtomicU64::new(word))
    }

    #[inline]
    pub(crate) fn load(&self) -> u64 {
        self.0.load(Relaxed) // L
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "called out of line, a decision goes through memory")]
    pub(crate) fn try_acquire(&self, judge: &impl Judge, now: Nanos, n: u32) -> Result<(), Denied> {
        self.try_at(judge, now, n, |_, _| ())
    }

    pub(crate) fn try_grant(&self, judge: &impl Judge, now: Nanos, n: u32) -> Result<Grant<'_>, Denied> {
        let (before, after) = self.try_at(judge, now, n, |before, after| (before, after))?;
        Ok(Grant::new(self, before, after))
    }

    pub(crate) fn peek(&self, judge: &impl Judge, now: Nanos, n: u32) -> Result<(), Denied> {
        judge.judge(self.load(), now, n).map(drop)
    }

    /// Answers a grant by `granted` of the words before and after it.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "as `try_acquire`")]
    fn try_at<J: Judge, T>(
        &self,
        judge: &J,
        now: Nanos,
        n: u32,
        granted: impl Fn(u64, u64) -> T,
    ) -> Result<T, Denied> {
        let before = self.load();
        let quick = if J::QUICK { judge.quick(before, now, n) } else { Some(judge.judge(before, now, n)) };
        match quick {
            Some(Ok(after)) if self.swap(before, after) => Ok(granted(before, after)),
            Some(Err(denied)) => Err(denied),
            _ if J::QUICK => self.decide(judge, before, now, n, granted),
            _ => self.contend(judge, now, n, granted),
        }
    }

    /// What has no quick answer, or lost a race. The second look at the word tells which.
    ///
    /// A grant is made here, and all else by a call in the last step. So a grant stores little on the stack, which helps:
    /// a locked instruction waits until all that was stored before it has left the core.
    #[inline(never)]
    fn decide<J: Judge, T>(
        &self,
        judge: &J,
        before: u64,
        now: Nanos,
        n: u32,
        granted: impl Fn(u64, u64) -> T,
    ) -> Result<T, Denied> {
        if self.load() != before {
            return self.contend(judge, now, n, granted);
        }
        match judge.grant(before, now, n) {
            Some(after) if self.swap(before, after) => Ok(granted(before, after)),
            _ => self.settle(judge, before, now, n, granted),
        }
    }

    /// A refusal without a quick answer, or a grant before which another one came.
    #[inline(never)]
    fn settle<J: Judge, T>(
        &self,
        judge: &J,
        before: u64,
        now: Nanos,
        n: u32,
        granted: impl Fn(u64, u64) -> T,
    ) -> Result<T, Denied> {
        match judge.judge(before, now, n) {
            Ok(_) => self.contend(judge, now, n, granted),
            Err(denied) => Err(denied),
        }
    }

    #[cold]
    #[inline(never)]
    fn contend<J: Judge, T>(
        &self,
        judge: &J,
        now: Nanos,
        n: u32,
        granted: impl Fn(u64, u64) -> T,
    ) -> Result<T, Denied> {
        backoff::retry(J::PAUSES, || {
            let before = self.load();
            match judge.judge(before, now, n) {
                Ok(after) => self.swap(before, after).then(|| Ok(granted(before, after))),
                Err(denied) => Some(Err(denied)),
            }
        })
    }

    #[inline]
    fn swap(&self, old: u64, new: u64) -> bool {
        self.0.compare_exchange(old, new, Relaxed, Relaxed).is_ok() // C
    }
}

impl Reclaim for Word {
    /// Only if no later grant is in force: I2.
    fn reclaim(&self, before: u64, after: u64) -> bool {
        self.swap(after, before)
    }
}

/// A word with a judge of its own.
#[derive(Debug)]
#[repr(C)] // The word beside what is read first.
pub(crate) struct OneWord<J> {
    pub(crate) word: Word,
    pub(crate) judge: J,
}

impl<J: Judge> OneWord<J> {
    #[inline]
    pub(crate) fn try_acquire_at(&self, now: Nanos, n: u32) -> Result<(), Denied> {
        self.word.try_acquire(&self.judge, now, n)
    }

    pub(crate) fn try_grant_at(&self, now: Nanos, n: u32) -> Result<Grant<'_>, Denied> {
        self.word.try_grant(&self.judge, now, n)
    }

    pub(crate) fn peek_at(&self, now: Nanos, n: u32) -> Result<(), Denied> {
        self.word.peek(&self.judge, now, n)
    }
}
