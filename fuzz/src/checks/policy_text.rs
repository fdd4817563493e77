//! No text and no values make the policy code panic; what it accepts, it writes and reads back the same.

use std::time::Duration;

use tollgate::{ParsePolicyError, Policy, Quota};

use super::bytes::Bytes;

/// An input that begins with 255, which no text does, holds values; any other is a text.
pub fn policy_text(data: &[u8]) {
    match data.split_first() {
        Some((255, values)) => check_values(Bytes::new(values)),
        _ => check_text(&String::from_utf8_lossy(data)),
    }
}

fn check_text(text: &str) {
    match text.parse::<Policy>() {
        Ok(policy) => {
            assert_eq!(naive(text).as_ref(), Some(&policy), "{text:?}");
            check_written(&policy);
        }
        Err(error) => {
            assert!(naive(text).is_none(), "{text:?}: {error}");
            assert!(!error.to_string().is_empty());
            match error {
                ParsePolicyError::Syntax { part, at, .. } => {
                    assert_eq!(text.get(at..at + part.len()), Some(&part[..]));
                }
                error => assert!(!format!("{error:?}").is_empty()),
            }
        }
    }
}

fn check_written(policy: &Policy) {
    let written = policy.to_string();
    assert_eq!(written.parse::<Policy>().as_ref(), Ok(policy), "{written}");
    assert_eq!(format!("{policy:?}"), format!("Policy({written})"));
}

fn check_values(mut bytes: Bytes<'_>) {
    let guard = duration(&mut bytes);
    let mut quotas = Vec::new();
    while !bytes.is_empty() && quotas.len() < 10 {
        let quota = Quota::new(bytes.long(), duration(&mut bytes));
        let name: Vec<u8> = (0..bytes.byte() % 18).map(|_| bytes.byte()).collect();
        quotas.push(if name.is_empty() { quota } else { quota.named(&String::from_utf8_lossy(&name)) });
    }
    let policy = Policy::new(&quotas).inspect(check_written);
    match policy.and_then(|policy| policy.with_guard(guard)) {
        Ok(policy) => {
            assert_eq!((policy.quotas(), policy.guard()), (&quotas[..], guard));
            check_written(&policy);
        }
        Err(error) => assert!(!error.to_string().is_empty() && !format!("{error:?}").is_empty()),
    }
}

/// Nanoseconds that a policy can hold, or anything up to the longest `Duration`.
fn duration(bytes: &mut Bytes<'_>) -> Duration {
    match bytes.byte() {
        kind @ 0..=127 => Duration::from_nanos(u64::from(kind) * u64::from(bytes.word())),
        kind @ 128..=191 => Duration::from_nanos(1 << (kind - 128)),
        192..=253 => Duration::from_nanos(bytes.quad()),
        254 => Duration::MAX,
        255 => Duration::new(bytes.quad(), bytes.long() % 1_000_000_000),
    }
}

/// The same grammar, taken apart from the other end and weighed with other arithmetic.
fn naive(text: &str) -> Option<Policy> {
    let (quotas, guard) = match text.find(';') {
        Some(end) => {
            let guard = text[end + 1..].trim().strip_prefix("guard")?;
            if guard.trim_start() == guard {
                return None;
            }
            (&text[..end], naive_duration(guard.trim())?)
        }
        None => (text, Duration::ZERO),
    };
    let quotas: Option<Vec<Quota>> = quotas.split(',').map(|quota| naive_quota(quota.trim())).collect();
    Policy::new(&quotas?).ok()?.with_guard(guard).ok()
}

fn naive_quota(text: &str) -> Option<Quota> {
    let (name, rule) = match text.find('=') {
        Some(end) => (text[..end].trim(), &text[end + 1..]),
        None => ("-", text),
    };
    let slash = rule.find('/')?;
    let limit = u32::try_from(naive_number(rule[..slash].trim())?).ok()?;
    let quota = Quota::new(limit, naive_duration(rule[slash + 1..].trim())?);
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if !(1..=15).contains(&name.len()) || !name.chars().all(plain) {
        return None;
    }
    Some(if text.contains('=') { quota.named(name) } else { quota })
}

fn naive_duration(text: &str) -> Option<Duration> {
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let count = u128::from(naive_number(text.strip_suffix(unit)?)?);
    let nanos = match unit {
        "ns" => count,
        "us" => count * 1_000,
        "ms" => count * 1_000_000,
        "s" => count * 1_000_000_000,
        "m" => count * 1_000_000_000 * 60,
        "h" => count * 1_000_000_000 * 60 * 60,
        "d" => count * 1_000_000_000 * 60 * 60 * 24,
        _ => return None,
    };
    Some(Duration::from_nanos(u64::try_from(nanos).ok()?))
}

fn naive_number(text: &str) -> Option<u64> {
    let sum =
        text.chars().try_fold(0_u64, |sum, c| sum.checked_mul(10)?.checked_add(c.to_digit(10)?.into()))?;
    (!text.is_empty()).then_some(sum)
}
