//! Numbers, as people write them into fields.

use core::time::Duration;

/// Digits, perhaps with a point and more digits, as seconds. What is too large saturates. What is finer than a nanosecond is
/// rounded up.
pub(super) fn seconds(text: &[u8]) -> Option<Duration> {
    let (whole, fraction) = match text.iter().position(|&byte| byte == b'.') {
        Some(point) => (text.get(..point)?, text.get(point + 1..)?),
        None => (text, &b"0"[..]),
    };
    let nanos = nanos(fraction)?;
    Some(Duration::from_secs(digits(whole)?).saturating_add(nanos))
}

/// Like [`seconds`], in milliseconds.
pub(super) fn millis(text: &[u8]) -> Option<Duration> {
    seconds(text).map(|number| number / 1000)
}

/// A number of permits. Decimals are cut off.
pub(super) fn count(text: &[u8]) -> Option<u64> {
    seconds(text)?;
    digits(text.split(|&byte| byte == b'.').next()?)
}

/// The decimals after the point of a number of seconds.
pub(super) fn nanos(decimals: &[u8]) -> Option<Duration> {
    digits(decimals)?;
    let (fine, finer) = decimals.split_at(decimals.len().min(9));
    let shift = 10_u64.pow(9 - u32::try_from(fine.len()).unwrap_or(9));
    let rest = finer.iter().any(|&digit| digit != b'0');
    Some(Duration::from_nanos(digits(fine)? * shift + u64::from(rest)))
}

/// At least one digit, and nothing else.
fn digits(text: &[u8]) -> Option<u64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(text.iter().fold(0, |number: u64, digit| {
        number.saturating_mul(10).saturating_add(u64::from(digit.wrapping_sub(b'0')))
    }))
}
