//! In place of `src/keyed/newcomer.rs`: the same, unless it is broken.

pub(super) use super::shipped::numbered;
use super::shipped::{self, slot as slot_of};
use crate::fault::{Fault, fault};
use crate::sync::with_trace;

/// More than any TAT of the models, which leave 12 bits to the identity.
const LATE: u64 = 1 << 20;

pub(super) fn preference(slot: usize, word: u64) -> u64 {
    let at = |preference: u64| shipped::preference(slot, preference << 12);
    let tat = word >> 12;
    match fault() {
        Some(Fault::TakesTheLargest) => at(LATE - tat),
        Some(Fault::TakesTheLast) => at(LATE - slot as u64),
        // Twice as fine, so that the slot decides before its number does.
        Some(Fault::TiesByThread) if with_trace(|trace| trace.thread() == 1) => {
            at(tat * 16 + 15 - slot as u64)
        }
        _ => shipped::preference(slot, word),
    }
}

pub(super) fn slot(choice: u64) -> usize {
    slot_of(choice)
}

pub(super) fn inherits(tat: u64) -> u64 {
    if matches!(fault(), Some(Fault::StartsFresh)) { 0 } else { shipped::inherits(tat) }
}
