//! The models. A line lasts 100 us, so readings that come later make a new one.

use crate::fault::Fault;
use crate::readings::Model;

const US: u64 = 1_000;
const MS: u64 = 1_000_000;
const S: u64 = 1_000_000_000;

/// The counter's rate is measured twice, which gives the first line.
const MEASURED: &[u64] = &[0, 10 * MS, 10 * MS];

/// One thread reads by the old line while the other finds it too old and makes a new one.
pub(crate) const READ_AND_ANCHOR: Model = Model {
    name: "a reading against an anchor",
    before: MEASURED,
    threads: &[&[0], &[10 * S]],
    after: &[0],
    bound: Some(1),
};

/// The one that makes a line reads by it, too.
const READ_AND_ANCHOR_AND_READ: Model = Model {
    name: "two readings against an anchor and a reading",
    threads: &[&[0, 0], &[10 * S, 0]],
    bound: Some(1),
    ..READ_AND_ANCHOR
};

/// Both find the line too old.
pub(crate) const TWO_ANCHORS: Model = Model {
    name: "an anchor against an anchor",
    before: &[0, 10 * MS, 10 * MS, 200 * US],
    threads: &[&[200 * US], &[10 * S]],
    after: &[0],
    bound: Some(1),
};

const THREE: Model = Model {
    name: "two readers and a thread that makes an anchor",
    threads: &[&[0], &[10 * S], &[0]],
    after: &[],
    bound: Some(1),
    ..READ_AND_ANCHOR
};

/// A thread that reads while another measures the rate for the first time.
const FIRST: Model =
    Model { name: "the first line", before: &[0, 10 * MS], threads: &[&[10 * MS], &[0]], ..READ_AND_ANCHOR };

#[test]
fn two_readers_and_an_anchor() {
    THREE.holds_with(Some(Fault::OneClaims));
}

#[test]
#[ignore = "takes minutes"]
fn three_threads_that_may_all_make_an_anchor() {
    THREE.holds();
    Model { bound: Some(2), ..READ_AND_ANCHOR }.holds();
}

#[test]
fn a_reader_and_an_anchor() {
    READ_AND_ANCHOR.holds();
    READ_AND_ANCHOR_AND_READ.holds();
}

#[test]
fn two_anchors_at_once() {
    TWO_ANCHORS.holds();
}

#[test]
fn the_first_line() {
    FIRST.holds();
}
