//! How full is a table?

/// How full a [`KeyedTable`](super::KeyedTable) is, from one reading of all slots.
///
/// A newcomer takes the slot of its set that owes least. So a table is too small when many sets have no slot that
/// owes nothing: [`newcomers_in_debt`](Usage::newcomers_in_debt) shows it before
/// [`newcomers_refused`](Usage::newcomers_refused) does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Usage {
    /// All slots.
    pub slots: usize,
    /// Slots whose bucket is not full: the keys that have used permits which have not come back.
    pub in_debt: usize,
    /// The sets of slots; a newcomer meets each with the same probability.
    pub sets: usize,
    /// Sets in which every slot is in debt: a newcomer there takes over what the least of them owes.
    pub sets_in_debt: usize,
    /// Sets in which a newcomer is refused even one permit.
    pub sets_refusing: usize,
}

impl Usage {
    /// A newcomer is refused if the smallest TAT of its set is above `limit`.
    pub(super) fn of<const W: usize>(sets: impl Iterator<Item = [u64; W]>, now: u64, limit: u64) -> Usage {
        let mut usage = Usage { slots: 0, in_debt: 0, sets: 0, sets_in_debt: 0, sets_refusing: 0 };
        for tats in sets {
            let least = tats.into_iter().min().unwrap_or(0);
            usage.slots += W;
            usage.in_debt += tats.into_iter().filter(|&tat| tat > now).count();
            usage.sets += 1;
            usage.sets_in_debt += usize::from(least > now);
            usage.sets_refusing += usize::from(least > limit);
        }
        usage
    }

    /// The share of newcomers that would take a slot which is in debt, from 0 to 1.
    pub fn newcomers_in_debt(&self) -> f64 {
        share(self.sets_in_debt, self.sets)
    }

    /// The share of newcomers that would be refused, from 0 to 1.
    pub fn newcomers_refused(&self) -> f64 {
        share(self.sets_refusing, self.sets)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a figure to show, not to decide by")]
fn share(part: usize, all: usize) -> f64 {
    if all == 0 { 0.0 } else { part as f64 / all as f64 }
}
