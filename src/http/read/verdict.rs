//! Whether a response is a refusal, and when to come back: the order in which the fields count.

use core::time::Duration;

use http::StatusCode;

use super::names::Retry;
use super::slots::{Slot, keep_most};

/// What a response says about the call itself.
#[derive(Default)]
pub(super) struct Verdict {
    /// What the fields of [`Retry`] say, in its order.
    said: [Option<Duration>; 4],
    /// The limit is that of others, too, or it is one of calls in progress.
    pub(super) blames_others: bool,
    pub(super) is_github: bool,
}

impl Verdict {
    pub(super) fn say(&mut self, field: Retry, after: Duration) {
        if let Some(place) = self.said.get_mut(field as usize) {
            keep_most(place, after);
        }
    }

    /// What the first field says that tells nothing but when to come back.
    fn said(&self) -> Option<Duration> {
        /// Whoever sends the last of the fields rounds down in all of them.
        const LOST: Duration = Duration::from_secs(1);
        let said = self.said.iter().find_map(|&after| after)?;
        let is_rounded_down = self.said.last().is_some_and(Option::is_some);
        Some(if is_rounded_down { said.saturating_add(LOST) } else { said })
    }

    pub(super) fn is_refusal(&self, status: StatusCode, slots: &[Slot]) -> bool {
        let is_error = status.is_client_error() || status.is_server_error();
        status == StatusCode::TOO_MANY_REQUESTS
            || is_error && self.said().is_some()
            || status == StatusCode::FORBIDDEN && slots.iter().any(Slot::is_spent)
    }

    pub(super) fn retry_after(&self, is_refusal: bool, slots: &[Slot]) -> Option<Duration> {
        let latest =
            |which: fn(&&Slot) -> bool| slots.iter().filter(which).filter_map(|slot| slot.quota.reset).max();
        let spent = || latest(|slot| slot.is_spent());
        if !is_refusal {
            return spent();
        }
        let precise = || slots.iter().filter_map(|slot| slot.reset_after).max();
        let unknown = || latest(|slot| slot.quota.remaining.is_none());
        let github = || self.is_github.then_some(Duration::from_secs(60));
        self.said().or_else(precise).or_else(spent).or_else(unknown).or_else(github)
    }
}
