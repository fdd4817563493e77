//! Durations with units, as Go writes them: `6m0s`, `12ms`, `1h2m3.5s`.

use core::time::Duration;

use super::number;

/// From the longest to the shortest.
const UNITS: [(&[u8], u64); 9] = [
    (b"d", 86_400_000_000_000),
    (b"h", 3_600_000_000_000),
    (b"m", 60_000_000_000),
    (b"s", 1_000_000_000),
    (b"ms", 1_000_000),
    (b"us", 1_000),
    ("\u{b5}s".as_bytes(), 1_000),  // the micro sign
    ("\u{3bc}s".as_bytes(), 1_000), // the letter mu
    (b"ns", 1),
];

/// One or more numbers, each with its unit, the longer units first. What is too long saturates.
pub(super) fn duration(text: &[u8]) -> Option<Duration> {
    const NANOS: u128 = 1_000_000_000;
    let (mut rest, mut sum, mut before) = (text, 0_u128, u64::MAX);
    while !rest.is_empty() || before == u64::MAX {
        let is_number = |byte: &u8| byte.is_ascii_digit() || *byte == b'.';
        let (count, tail) = split(rest, is_number);
        let (name, tail) = split(tail, |byte| !is_number(byte));
        let &(_, unit) = UNITS.iter().find(|&&(unit, _)| unit == name)?;
        if unit >= before {
            return None;
        }
        let count = number::seconds(count)?.as_nanos(); // a thousand millionth of the unit
        sum = sum.saturating_add(count.saturating_mul(unit.into()).div_ceil(NANOS));
        (rest, before) = (tail, unit);
    }
    Some(match (u64::try_from(sum / NANOS), u32::try_from(sum % NANOS)) {
        (Ok(seconds), Ok(nanos)) => Duration::new(seconds, nanos),
        _ => Duration::MAX,
    })
}

/// What all fulfils the condition, and the rest.
fn split(text: &[u8], condition: impl Fn(&u8) -> bool) -> (&[u8], &[u8]) {
    text.split_at(text.iter().position(|byte| !condition(byte)).unwrap_or(text.len()))
}
