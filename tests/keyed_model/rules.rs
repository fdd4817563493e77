//! The rules of the table hold, and without any one of them a promise is broken.

use crate::fault::Fault;
use crate::programs::{Shape, THREE, THREE_OF_THREE, TWO, TWO_OF_THREE};
use crate::subject::Subject;

#[test]
fn two_slots_two_threads() {
    TWO.holds(PROGRAMS);
}

#[test]
fn two_slots_three_threads() {
    TWO_OF_THREE.holds(PROGRAMS);
}

#[test]
fn three_slots_two_threads() {
    THREE.holds(PROGRAMS);
}

#[test]
fn three_slots_three_threads() {
    THREE_OF_THREE.holds(PROGRAMS);
}

#[test]
fn a_newcomer_that_starts_fresh_forgets_a_debt() {
    TWO.catches(Some(Fault::StartsFresh), PROGRAMS);
}

#[test]
fn another_victim_than_the_smallest_forgets_a_debt() {
    TWO.catches(Some(Fault::TakesTheLargest), PROGRAMS);
    TWO.catches(Some(Fault::TakesTheLast), PROGRAMS);
}

#[test]
fn a_tie_order_for_each_thread_puts_a_key_into_two_slots() {
    TWO.catches(Some(Fault::TiesByThread), PROGRAMS);
}

#[test]
fn an_exchange_that_does_not_compare_forgets_a_debt() {
    TWO.catches(Some(Fault::Overwrites), PROGRAMS);
}

#[test]
fn two_sets_for_a_key_forget_a_debt() {
    Shape { subject: Subject::TwoSetsForAKey, ..TWO }.catches(None, PROGRAMS);
}

#[test]
fn a_grant_that_is_undone_forgets_the_debt_of_another() {
    Shape { undoes: true, ..TWO }.catches(None, PROGRAMS);
}

use crate::PROGRAMS;
