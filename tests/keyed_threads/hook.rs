//! Before each atomic operation of a table: where threads yield, and where one is stopped.

pub(crate) use crate::yields::begin;

pub(crate) fn step() {
    crate::stop::step();
    crate::yields::step();
}
