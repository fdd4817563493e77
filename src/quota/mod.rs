//! What is allowed. A [`Quota`] is a number of permits per window. A [`Policy`] is the quotas that must all hold.

mod error;
mod policy;
#[cfg(feature = "serde")]
mod serde;
mod text;

use core::fmt;
use core::time::Duration;

pub use error::{ParsePolicyError, PolicyError};
pub use policy::Policy;

/// At most `limit` permits in any `window`.
///
/// A quota is only a description. [`Policy::new`] checks it, so that every mistake is reported in one place, together with
/// the index of its quota.
///
/// ```
/// use core::time::Duration;
/// use tollgate::Quota;
///
/// let quota = Quota::per_minute(50).named("burst");
/// assert_eq!(quota, Quota::new(50, Duration::from_secs(60)).named("burst"));
/// assert_eq!((quota.limit(), quota.window(), quota.name()), (50, Duration::from_secs(60), Some("burst")));
/// assert_eq!(quota.to_string(), "burst=50/1m");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Quota {
    window: Duration,
    limit: u32,
    name: Name,
}

impl Quota {
    /// `limit` permits in any `window`.
    #[inline]
    pub const fn new(limit: u32, window: Duration) -> Quota {
        Quota { window, limit, name: Name::NONE }
    }

    /// `limit` permits in any second.
    #[inline]
    pub const fn per_second(limit: u32) -> Quota {
        Quota::new(limit, Duration::from_secs(1))
    }

    /// `limit` permits in any 60 seconds.
    #[inline]
    pub const fn per_minute(limit: u32) -> Quota {
        Quota::new(limit, Duration::from_secs(60))
    }

    /// `limit` permits in any 3600 seconds.
    #[inline]
    pub const fn per_hour(limit: u32) -> Quota {
        Quota::new(limit, Duration::from_secs(3600))
    }

    /// `limit` permits in any 86,400 seconds (not a calendar day).
    #[inline]
    pub const fn per_day(limit: u32) -> Quota {
        Quota::new(limit, Duration::from_secs(86_400))
    }

    /// The same quota with a name, for logs and for headers such as `RateLimit-Policy`. A name has at most 15 characters:
    /// ASCII letters, digits, `-`, `_` or `.`. [`Policy::new`] refuses any other name.
    #[inline]
    #[must_use = "this returns the named quota and leaves the original as it was"]
    pub const fn named(self, name: &str) -> Quota {
        Quota { name: Name::new(name), ..self }
    }

    /// The most permits in any window.
    #[inline]
    pub const fn limit(&self) -> u32 {
        self.limit
    }

    /// The length of the window, without any guard.
    #[inline]
    pub const fn window(&self) -> Duration {
        self.window
    }

    /// The name, if one was given.
    #[inline]
    pub const fn name(&self) -> Option<&str> {
        self.name.as_str()
    }
}

impl fmt::Debug for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Quota({self})")
    }
}

/// A short text held inline, so that a quota stays `Copy` and a name survives parsing.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Name {
    /// The length of the text that was given. If it is above `Name::MAX`, the text did not fit.
    len: u8,
    bytes: [u8; Name::MAX],
}

impl Name {
    const MAX: usize = 15;
    const NONE: Name = Name { len: 0, bytes: [0; Name::MAX] };

    #[expect(clippy::cast_possible_truncation, reason = "len is at most 16 there")]
    const fn new(text: &str) -> Name {
        let text = text.as_bytes();
        let mut name = Name::NONE;
        while (name.len as usize) < text.len() {
            if name.len as usize == Name::MAX {
                name.len = Name::MAX as u8 + 1;
                break;
            }
            name.bytes[name.len as usize] = text[name.len as usize];
            name.len += 1;
        }
        name
    }

    const fn is_valid(&self) -> bool {
        if self.len as usize > Name::MAX {
            return false;
        }
        let mut i = 0;
        while i < self.len as usize {
            let b = self.bytes[i];
            if !(b.is_ascii_alphanumeric() || b == b'-' || b == b'_' || b == b'.') {
                return false;
            }
            i += 1;
        }
        true
    }

    const fn as_str(&self) -> Option<&str> {
        if self.len == 0 || !self.is_valid() {
            return None;
        }
        let (text, _) = self.bytes.split_at(self.len as usize);
        match core::str::from_utf8(text) {
            Ok(text) => Some(text),
            Err(_) => None,
        }
    }
}
