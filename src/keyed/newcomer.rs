//! A caller without a slot takes somebody's: whose, and what does it start with?
//!
//! These two rules are what makes the table strict. The models replace this file to show that no other rule does.

/// The slot that a newcomer takes: the one with the smallest word, and the lowest of those that are equal.
#[derive(Clone, Copy)]
pub(super) struct Victim {
    pub(super) slot: usize,
    pub(super) word: u64,
}

impl Victim {
    /// Compares the victim so far with a later slot of the set.
    #[inline]
    pub(super) fn or(self, slot: usize, word: u64) -> Victim {
        if word < self.word { Victim { slot, word } } else { self }
    }
}

/// A newcomer owes what the owner of its slot owed. If that was the newcomer itself at an earlier time, then nothing is
/// forgotten: its old slot was replaced when it held the smallest word of the set, and that has only grown.
#[inline]
pub(super) fn inherits(tat: u64) -> u64 {
    tat
}
