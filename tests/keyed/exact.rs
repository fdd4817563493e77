//! The exact bucket of a key, asked as a table is.

use tollgate::{Denied, Nanos, Plan};

use crate::oracle::ExactKey;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Exact(pub(crate) ExactKey);

impl Exact {
    /// `tick` in nanoseconds and the identity bits are those of the table.
    pub(crate) fn new(plan: &Plan, tick: u128, identity_bits: u32) -> Exact {
        Exact(ExactKey::new(interval(plan), plan.burst(), tick, identity_bits).unwrap())
    }

    /// `Err`: the retry instant.
    pub(crate) fn peek(&self, now: Nanos, n: u32) -> Result<(), Option<Nanos>> {
        self.0.peek(now.as_nanos(), n).map_err(|retry| retry.map(Nanos::from_nanos))
    }

    pub(crate) fn take(&mut self, now: Nanos, n: u32) -> Result<(), Option<Nanos>> {
        self.0.take(now.as_nanos(), n).map_err(|retry| retry.map(Nanos::from_nanos))
    }

    pub(crate) fn remaining(&self, now: Nanos) -> u128 {
        self.0.remaining(now.as_nanos())
    }
}

pub(crate) fn interval(plan: &Plan) -> u64 {
    u64::try_from(plan.interval().as_nanos()).unwrap()
}

/// What is compared of an answer.
pub(crate) fn told(answer: Result<(), Denied>) -> Result<(), Option<Nanos>> {
    answer.map_err(|denied| denied.retry_at())
}
