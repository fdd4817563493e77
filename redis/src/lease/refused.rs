//! Why there is no permit.

use core::fmt;

use tollgate::{Denied, Nanos};

/// Why a [`LeasedLimiter`](crate::LeasedLimiter) gave no permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refused {
    /// The limit is used up, as far as this node knows from its last request. It asks nobody before the retry instant, so a caller
    /// that is refused costs no round trip. Other nodes may be faster at that instant, and then the call is refused again.
    ///
    /// A call with a deadline is also refused in this way, if its permits cannot be there in time.
    Denied(Denied),
    /// This node has no permits left. It is asking the store for more, and does not know the answer yet. Only calls that do not wait
    /// are answered in this way: [`decide`](crate::LeasedLimiter::decide) waits for the store's answer instead.
    Asked,
    /// The store does not answer, and the limiter was told to [refuse](crate::WhenAway::Refuse) in this case.
    Away {
        /// When the node asks the store again, by the clock of the limiter. `None` if it never does, because its runtime is gone.
        retry_at: Option<Nanos>,
    },
}

impl Refused {
    /// The refusal by the limit, if it is one.
    pub const fn denied(&self) -> Option<&Denied> {
        match self {
            Refused::Denied(denied) => Some(denied),
            Refused::Asked | Refused::Away { .. } => None,
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Denied(denied) => denied.fmt(f),
            Refused::Asked => f.write_str("no permit is here now; the store was asked for more"),
            Refused::Away { retry_at: Some(_) } => {
                f.write_str("the store does not answer, and nothing is granted until it does")
            }
            Refused::Away { retry_at: None } => f.write_str(
                "the runtime of the limiter is gone, so it cannot ask the store, and nothing is granted any more",
            ),
        }
    }
}

impl core::error::Error for Refused {}
