//! When: an instant, or so long after the response, in whatever form a server writes it.

use core::time::Duration;

use super::ignored::Nonsense;
use super::{date, duration, number};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// So long after the response was sent.
    After(Duration),
    /// So long after 1970.
    At(Duration),
}

impl Moment {
    /// How long after a response that was sent at `sent` (since 1970). Zero if it is not after it.
    pub(super) fn after(self, sent: Duration) -> Duration {
        match self {
            Moment::After(duration) => duration,
            Moment::At(instant) => instant.saturating_sub(sent),
        }
    }

    /// The value of a `Retry-After`: seconds, perhaps with decimals, or a date.
    pub(super) fn of_retry_after(text: &[u8]) -> Result<Moment, Nonsense> {
        match number::seconds(text) {
            Some(seconds) => Ok(Moment::After(seconds)),
            None => Moment::of_words(text),
        }
    }

    /// The value of a reset: as for `Retry-After`, but a number may be an instant.
    pub(super) fn of_reset(text: &[u8]) -> Result<Moment, Nonsense> {
        match number::seconds(text) {
            Some(number) => Ok(Moment::of_number(number)),
            None => Moment::of_words(text),
        }
    }

    /// A delay of 31 years is an instant: seconds since 1970 passed 1e9 in 2001, milliseconds passed 1e12 on the same day.
    fn of_number(number: Duration) -> Moment {
        match number.as_secs() {
            1_000_000_000_000.. => Moment::At(number / 1000),
            1_000_000_000.. => Moment::At(number),
            _ => Moment::After(number),
        }
    }

    fn of_words(text: &[u8]) -> Result<Moment, Nonsense> {
        let after = duration::duration(text).map(Moment::After);
        after
            .or_else(|| date::instant(text).map(Moment::At))
            .ok_or_else(|| Nonsense::of(text, Nonsense::NotATime))
    }
}
