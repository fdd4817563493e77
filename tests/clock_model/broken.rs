//! The same file and models, with one ordering made Relaxed or one step left out. Some reading is then wrong.

use crate::fault::Fault;
use crate::models::{READ_AND_ANCHOR, TWO_ANCHORS};

#[test]
fn weak_version_load() {
    READ_AND_ANCHOR.catches(Fault::Relaxed("S"));
}

#[test]
fn weak_word_load() {
    READ_AND_ANCHOR.catches(Fault::Relaxed("F"));
}

#[test]
fn weak_word_store() {
    READ_AND_ANCHOR.catches(Fault::Relaxed("W"));
}

#[test]
fn weak_publish() {
    READ_AND_ANCHOR.catches(Fault::Relaxed("E"));
}

#[test]
fn a_version_that_is_not_looked_at_again() {
    READ_AND_ANCHOR.catches(Fault::Unchecked);
}

#[test]
fn a_writer_that_is_not_seen() {
    READ_AND_ANCHOR.catches(Fault::SeemsFree);
}

#[test]
fn a_claim_that_is_not_compared() {
    TWO_ANCHORS.catches(Fault::AlwaysClaimed);
}
