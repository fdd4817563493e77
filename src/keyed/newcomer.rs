//! Which slot of a set is a key's? Its own if it has one; else, as a newcomer, somebody's: whose, and what does it start
//! with?
//!
//! These rules are what makes the table strict. The models replace this file to show that no other rules do.
//!
//! A slot is written as one number, and the smallest of a set is chosen: `{ preference: 60, slot: 4 }`. So the choice takes
//! no branch that depends on which slot a key is in, for no processor could predict it. The preference is the TAT, in the
//! same bits as in the word. The identity, which has at least 12 bits, makes room for the number of the slot.

/// How many slots a set can have: the number of a slot takes 4 bits.
const SLOTS: u64 = 16;

/// The key's own slot comes before all others.
#[inline]
pub(super) const fn own(slot: usize) -> u64 {
    slot as u64
}

/// A newcomer takes the slot with the smallest TAT, and the lowest of those that are equal.
#[inline]
pub(super) const fn other(slot: usize, word_without_identity: u64) -> u64 {
    word_without_identity | SLOTS | slot as u64
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
