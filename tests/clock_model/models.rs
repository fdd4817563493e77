//! The models. A line lasts 100 us. A reading that comes later makes a new one, unless the one before was more than 110 us ago.

use crate::fault::Fault;
use crate::readings::Model;

const US: u64 = 1_000;
const MS: u64 = 1_000_000;

/// The counter's rate is measured twice, which gives the first line. After each silence, the second reading takes the sample.
const MEASURED: &[u64] = &[0, 10 * MS, 0, 10 * MS, 0];
/// After this time a line is too old, and readings are not yet rare.
const OLD: u64 = 105 * US;

/// One thread reads by the old line while the other finds it too old and makes a new one.
pub(crate) const READ_AND_ANCHOR: Model = Model {
    name: "a reading against an anchor",
    before: MEASURED,
    threads: &[&[0], &[OLD]],
    after: &[0],
    bound: Some(1),
};

/// The one that makes a line reads by it, too.
const READ_AND_ANCHOR_AND_READ: Model = Model {
    name: "two readings against an anchor and a reading",
    threads: &[&[0, 0], &[OLD, 0]],
    bound: Some(1),
    ..READ_AND_ANCHOR
};

/// Both find the line too old.
pub(crate) const TWO_ANCHORS: Model = Model {
    name: "an anchor against an anchor",
    before: &[0, 10 * MS, 0, 10 * MS, 0, OLD],
    // Their samples differ by more than a reading may be wrong.
    threads: &[&[OLD], &[3 * US]],
    after: &[0],
    bound: Some(1),
};

const THREE: Model = Model {
    name: "two readers and a thread that makes an anchor",
    threads: &[&[0], &[OLD], &[0]],
    after: &[],
    bound: Some(1),
    ..READ_AND_ANCHOR
};

/// A thread that reads while another measures the rate for the first time.
const FIRST: Model = Model {
    name: "the first line",
    before: &[0, 10 * MS, 0, 10 * MS],
    threads: &[&[0], &[0]],
    ..READ_AND_ANCHOR
};

/// The first reading after a silence is answered by the system's clock, and the next one makes a line.
const RARE: Model = Model {
    name: "a reading after a silence against an anchor",
    threads: &[&[200 * US], &[0, 0]],
    ..READ_AND_ANCHOR
};

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
fn a_rare_reading_and_an_anchor() {
    RARE.holds();
}

#[test]
fn the_first_line() {
    FIRST.holds();
}
