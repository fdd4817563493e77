//! In place of `src/keyed/newcomer.rs`: the same, unless it is broken.

use super::shipped;
use crate::fault::{Fault, fault};
use crate::sync::with_trace;

#[derive(Clone, Copy)]
pub(super) struct Victim {
    pub(super) slot: usize,
    pub(super) word: u64,
}

impl Victim {
    pub(super) fn or(self, slot: usize, word: u64) -> Victim {
        let Victim { slot: best, word: least } = self;
        let first = least == u64::MAX;
        let later = match fault() {
            Some(Fault::TakesTheLargest) => first || word > least,
            Some(Fault::TakesTheLast) => true,
            Some(Fault::TiesByThread) if with_trace(|trace| trace.thread() == 1) => word <= least,
            _ => {
                let victim = shipped::Victim { slot: best, word: least }.or(slot, word);
                return Victim { slot: victim.slot, word: victim.word };
            }
        };
        if later { Victim { slot, word } } else { self }
    }
}

pub(super) fn inherits(tat: u64) -> u64 {
    if matches!(fault(), Some(Fault::StartsFresh)) { 0 } else { shipped::inherits(tat) }
}
