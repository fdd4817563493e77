//! A key that has no slot in its set is a newcomer, and takes somebody's: whose, and what does it start with?
//!
//! These rules are what makes the table strict. The models replace this file to show that no other rules do.
//!
//! A slot is written as one number: its word, with the number of the slot in place of the identity, which has at least 12
//! bits. Of such numbers the smallest is chosen, without a branch.

/// How many slots a set can have: the number of a slot takes 4 bits.
const SLOTS: u64 = 16;

/// A word whose identity is set to 0, with the number of its slot.
#[inline]
pub(super) const fn numbered(word_without_identity: u64, slot: usize) -> u64 {
    word_without_identity.wrapping_add(slot as u64)
}

/// A newcomer takes the slot with the smallest TAT, and the lowest of those that are equal.
#[inline]
pub(super) const fn preference(slot: usize, word_without_identity: u64) -> u64 {
    numbered(word_without_identity, slot)
}

/// The slot of such a number.
#[inline]
pub(super) const fn slot(choice: u64) -> usize {
    (choice % SLOTS) as usize
}

/// A newcomer owes what the owner of its slot owed. If that was the newcomer itself at an earlier time, then nothing is
/// forgotten: its old slot was taken when it had the smallest TAT of the set, and that has only grown.
#[inline]
pub(super) const fn inherits(tat: u64) -> u64 {
    tat
}
