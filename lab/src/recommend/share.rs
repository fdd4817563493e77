//! A share such as `1%`, exact.

use std::fmt;
use std::str::FromStr;

/// A share from 0 to 100 %, in steps of a ten-thousandth of a per cent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share {
    millionths: u64,
}

const WHOLE: u64 = 1_000_000;
const PER_CENT: u64 = WHOLE / 100;

impl Share {
    /// Nothing at all.
    pub const ZERO: Share = Share { millionths: 0 };

    /// In millionths of the whole.
    pub const fn millionths(self) -> u64 {
        self.millionths
    }

    /// Whether `part` of `whole` is at most this share.
    pub fn allows(self, part: u64, whole: u64) -> bool {
        u128::from(part) * u128::from(WHOLE) <= u128::from(self.millionths) * u128::from(whole)
    }

    /// `parts` of `of` equal parts of it, rounded down.
    #[must_use]
    pub fn part(self, parts: u64, of: u64) -> Share {
        Share { millionths: self.millionths * parts / of }
    }
}

/// Reads `1%`, `0.05 %`.
impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Share, String> {
        let share = || {
            let (whole, decimals) = match text.strip_suffix('%')?.trim().split_once('.') {
                Some((whole, decimals)) => (whole, decimals),
                None => (text.strip_suffix('%')?.trim(), ""),
            };
            let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
            if !digits(whole) || !digits(decimals) || whole.is_empty() || decimals.len() > 4 {
                return None;
            }
            let whole = whole.parse::<u64>().ok()?.checked_mul(PER_CENT)?;
            let millionths = whole + format!("{decimals:0<4}").parse::<u64>().ok()?;
            (millionths <= WHOLE).then_some(Share { millionths })
        };
        share().ok_or_else(|| {
            String::from("expected a share from 0% to 100%, with up to four decimals, such as 1% or 0.05%")
        })
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, decimals) = (self.millionths / PER_CENT, self.millionths % PER_CENT);
        let decimals = format!("{decimals:04}");
        match decimals.trim_end_matches('0') {
            "" => write!(f, "{whole}%"),
            decimals => write!(f, "{whole}.{decimals}%"),
        }
    }
}
