//! What each item of `RateLimit` says: how many permits are available, and in which time.
//!
//! `fields.md` has a table of what is written, and why.

use core::cmp::Reverse;

use super::fields::Fields;
use crate::decision::{QuotaStatus, Status};
use crate::nanos::Nanos;
use crate::quota::Policy;

#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    /// The index in [`Fields::declared`].
    pub(super) policy: usize,
    /// The permits that can be had now: `r`.
    pub(super) available: u32,
    /// The effective window in seconds: `t`.
    pub(super) window: u64,
}

pub(super) struct Items {
    list: [Item; Policy::MAX_QUOTAS],
    len: usize,
    /// The one that speaks for all where only one can be told.
    closest: usize,
}

/// What the items of a refusal must agree with.
#[derive(Clone, Copy)]
pub(super) struct Refused {
    pub(super) at: Nanos,
    pub(super) cost: u32,
    /// Whether all items refuse, as they do in a pause.
    pub(super) by_all: bool,
    /// The quota that refuses last.
    pub(super) quota: Option<usize>,
    /// What `Retry-After` says, if there is one.
    pub(super) retry_after: Option<u64>,
}

impl Items {
    pub(super) fn granted(fields: &Fields, status: &Status) -> Items {
        Items::new(fields, status, None, |i, state| Item::of(fields, status, i, state, status.at()))
    }

    pub(super) fn refused(fields: &Fields, status: &Status, refused: Refused) -> Items {
        let last = if status.is_joint() { refused.quota.map(|_| 0) } else { refused.quota };
        Items::new(fields, status, last, |i, state| {
            let (is_last, left) = (last == Some(i), refused.cost - 1);
            if !is_last && !refused.by_all && state.remaining > left {
                return Item::of(fields, status, i, state, refused.at);
            }
            let available = state.remaining.min(left);
            let own =
                Item::of(fields, status, i, &QuotaStatus { remaining: available, ..*state }, refused.at);
            match refused.retry_after {
                // More than it has now it has when the call is granted, at the latest.
                Some(seconds) if is_last || refused.by_all || available > 0 => {
                    Item { window: seconds, ..own }
                }
                _ => own,
            }
        })
    }

    fn new(
        fields: &Fields,
        status: &Status,
        last: Option<usize>,
        item: impl Fn(usize, &QuotaStatus) -> Item,
    ) -> Items {
        let first = Item { policy: fields.declared.len() - 1, available: 0, window: 1 };
        let mut items = Items { list: [first; Policy::MAX_QUOTAS], len: 0, closest: 0 };
        // A status of another policy may have more entries than this one has names.
        let known = if status.is_joint() { 1 } else { fields.declared.len() - 1 };
        for (i, state) in status.quotas().iter().take(known).enumerate() {
            items.list[i] = item(i, state);
            items.len += 1;
        }
        let closest = (0..items.len).min_by_key(|&i| {
            let Item { available, window, .. } = items.list[i];
            (available, Reverse(window))
        });
        items.closest = last.filter(|&last| last < items.len).or(closest).unwrap_or(0);
        items
    }

    pub(super) fn all(&self) -> &[Item] {
        &self.list[..self.len]
    }

    pub(super) fn closest(&self) -> Item {
        self.list[self.closest]
    }
}

impl Item {
    fn of(fields: &Fields, status: &Status, i: usize, state: &QuotaStatus, at: Nanos) -> Item {
        let policy = if status.is_joint() { fields.declared.len() - 1 } else { i };
        let pace = fields.pace.filter(|_| status.is_joint());
        let window = match (state.remaining, pace) {
            (0, _) => seconds_until(state.next_at, at).max(1),
            (permits, Some(pace)) => pace.seconds(permits),
            (_, None) if state.reset_at > at => seconds_until(state.reset_at, at),
            (_, None) => fields.declared[policy].kept,
        };
        Item { policy, available: state.remaining, window }
    }
}

/// Whole seconds, rounded up.
pub(super) fn seconds_until(instant: Nanos, at: Nanos) -> u64 {
    instant.as_nanos().saturating_sub(at.as_nanos()).div_ceil(1_000_000_000)
}
