//! What is known of the quotas of one response while its fields are read, in whatever order they come.

use alloc::borrow::ToOwned;
use alloc::vec::Vec;
use core::time::Duration;

use super::feedback::Feedback;
use super::ignored::Nonsense;
use super::quota::{ServerQuota, ServerUnit, window_of_name};

/// The most bytes of the name of a quota.
const LONGEST_NAME: usize = 64;

/// The families of fields that no field's name begins with.
pub(super) const DRAFT: &str = "draft";
pub(super) const RIOT: &str = "riot";
pub(super) const SHOPIFY: &str = "shopify";

/// What is known of one quota.
#[derive(Default)]
pub(super) struct Slot {
    pub(super) family: &'static str,
    /// The partition key of the IETF's drafts.
    pub(super) partition: Option<Vec<u8>>,
    pub(super) quota: ServerQuota,
    pub(super) used: Option<u64>,
    pub(super) reset_after: Option<Duration>,
    /// How many permits come back in a second.
    pub(super) rate: Option<u64>,
    /// How many permits a call costs.
    pub(super) cost: Option<u64>,
}

impl Slot {
    /// Works out what is told only by other numbers.
    pub(super) fn complete(&mut self) {
        let quota = &mut self.quota;
        let unused = || Some(quota.limit?.saturating_sub(self.used?));
        quota.remaining = quota.remaining.or_else(unused);
        if let Some(rate) = self.rate.filter(|&rate| rate > 0) {
            quota.window = quota.window.or(quota.limit.map(|limit| quotient(limit, rate)));
            let missing = quota.remaining.and_then(|left| self.cost.unwrap_or(1).checked_sub(left));
            if let Some(missing) = missing.filter(|&missing| missing > 0) {
                // All that comes in a second comes at its end.
                quota.reset = quota.reset.or(Some(Duration::from_secs(missing.div_ceil(rate))));
            }
        }
        quota.reset = self.reset_after.or(quota.reset);
        quota.window = quota.window.filter(|window| !window.is_zero());
    }

    /// How many calls are left, if it counts calls.
    pub(super) fn calls(&self) -> Option<u64> {
        let remaining = self.quota.remaining.filter(|_| self.quota.unit == ServerUnit::Requests)?;
        Some(remaining / self.cost.unwrap_or(1).max(1))
    }

    /// Whether too little is left for a call, and time helps.
    pub(super) fn is_spent(&self) -> bool {
        let cost = self.cost.unwrap_or(1).max(1);
        self.quota.unit != ServerUnit::Concurrency
            && self.quota.remaining.is_some_and(|remaining| remaining < cost)
    }
}

#[derive(Default)]
pub(super) struct Slots {
    pub(super) all: Vec<Slot>,
    /// Limits and windows of the drafts up to 7, in which policies have no name.
    nameless: Vec<(u64, Option<Duration>)>,
}

impl Slots {
    /// The quota of this family with this name.
    pub(super) fn named(&mut self, family: &'static str, name: &str) -> Result<&mut Slot, Nonsense> {
        self.fitting(family, name, |_| true)
    }

    /// The quota of this family with this name that fits; a new one if there is none.
    pub(super) fn fitting(
        &mut self,
        family: &'static str,
        name: &str,
        fits: impl Fn(&Slot) -> bool,
    ) -> Result<&mut Slot, Nonsense> {
        let is_it = |slot: &Slot| slot.family == family && slot.quota.name == name && fits(slot);
        if let Some(found) = self.all.iter().position(is_it) {
            return self.all.get_mut(found).ok_or(Nonsense::TooMany);
        }
        // All partitions and windows of a quota count the same.
        let namesake = self.all.iter().find(|slot| slot.family == family && slot.quota.name == name);
        let unit = namesake.map(|slot| slot.quota.unit).unwrap_or_default();
        let mut quota = ServerQuota { name: short(name)?.to_owned(), unit, ..ServerQuota::default() };
        if family != DRAFT && family != RIOT {
            // The name is a part of the field's name.
            (quota.unit, quota.window) = (ServerUnit::of_name(name), window_of_name(name));
        }
        self.push(Slot { family, quota, ..Slot::default() })?;
        self.all.last_mut().ok_or(Nonsense::TooMany)
    }

    fn push(&mut self, slot: Slot) -> Result<(), Nonsense> {
        if self.all.len() == Feedback::MAX_QUOTAS {
            return Err(Nonsense::TooMany);
        }
        self.all.push(slot);
        Ok(())
    }

    /// A policy without a name.
    pub(super) fn nameless(&mut self, limit: u64, window: Option<Duration>) -> Result<(), Nonsense> {
        if self.nameless.len() == Feedback::MAX_QUOTAS {
            return Err(Nonsense::TooMany);
        }
        self.nameless.push((limit, window));
        Ok(())
    }

    /// Policies without a name tell the windows of the limits that are told elsewhere. Others are quotas of their own.
    pub(super) fn give_windows(&mut self) -> Result<(), Nonsense> {
        for (limit, window) in core::mem::take(&mut self.nameless) {
            let is_it = |quota: &ServerQuota| {
                let may_have_it = quota.window.is_none_or(|its| Some(its) == window);
                quota.name.is_empty() && quota.limit == Some(limit) && may_have_it
            };
            if let Some(slot) = self.all.iter_mut().find(|slot| is_it(&slot.quota)) {
                slot.quota.window = window;
            } else {
                let quota = ServerQuota { limit: Some(limit), window, ..ServerQuota::default() };
                self.push(Slot { family: DRAFT, quota, ..Slot::default() })?;
            }
        }
        Ok(())
    }
}

pub(super) fn short(name: &str) -> Result<&str, Nonsense> {
    if name.len() > LONGEST_NAME { Err(Nonsense::TooLong) } else { Ok(name) }
}

/// Of two values the smaller one stays.
pub(super) fn keep_least<T: Ord>(place: &mut Option<T>, value: T) {
    *place = Some(match place.take() {
        Some(before) => before.min(value),
        None => value,
    });
}

/// Of two values the larger one stays.
pub(super) fn keep_most<T: Ord>(place: &mut Option<T>, value: T) {
    *place = Some(match place.take() {
        Some(before) => before.max(value),
        None => value,
    });
}

/// So many seconds, rounded up to nanoseconds. The divisor is not 0.
fn quotient(dividend: u64, divisor: u64) -> Duration {
    let nanos = (u128::from(dividend % divisor) * 1_000_000_000).div_ceil(divisor.into());
    let nanos = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
    Duration::from_secs(dividend / divisor).saturating_add(nanos)
}
