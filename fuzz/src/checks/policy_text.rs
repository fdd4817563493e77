//! No text and no values make the policy code panic. A policy that is accepted is written and read back the same.

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
                    let quoted = part.strip_suffix('…').unwrap_or(&part);
                    assert_eq!(text.get(at..at + quoted.len()), Some(quoted));
                    assert!(quoted.chars().count() <= ParsePolicyError::MOST_QUOTED);
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
    for quota in policy.quotas() {
        assert_eq!(quota.to_string().parse::<Quota>(), Ok(*quota), "{written}");
    }
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
    let (limit, window) = if let Some(slash) = rule.find('/') {
        (rule[..slash].trim().to_string(), rule[slash + 1..].trim().to_string())
    } else {
        let words: Vec<&str> = rule.split_whitespace().collect();
        let per = words.iter().skip(1).position(|&word| word == "per")? + 1;
        (words[..per].join(" "), words[per + 1..].join(" "))
    };
    let limit = u32::try_from(naive_number(&limit)?).ok()?;
    let quota = Quota::new(limit, naive_unit(&window).map(nanos).or_else(|| naive_duration(&window))?);
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if !(1..=15).contains(&name.len()) || !name.chars().all(plain) {
        return None;
    }
    Some(if text.contains('=') { quota.named(name) } else { quota })
}

fn nanos(nanos: u64) -> Duration {
    Duration::from_nanos(nanos)
}

/// From the last unit to the first: each is larger than the one after it.
fn naive_duration(text: &str) -> Option<Duration> {
    let (mut rest, mut sum, mut smaller) = (text, 0_u128, 0);
    while !rest.is_empty() || smaller == 0 {
        let before = rest.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let unit = naive_unit(&rest[before.len()..]).filter(|&unit| unit > smaller)?;
        let before = before.trim_end();
        let left = before.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_');
        sum += u128::from(naive_number(&before[left.len()..])?) * u128::from(unit);
        (rest, smaller) = (left.trim_end(), unit);
    }
    u64::try_from(sum).ok().map(nanos)
}

fn naive_unit(name: &str) -> Option<u64> {
    const SECOND: u64 = 1_000_000_000;
    Some(match name {
        "ns" => 1,
        "us" => 1_000,
        "ms" => 1_000_000,
        "s" | "sec" | "second" | "seconds" => SECOND,
        "m" | "min" | "minute" | "minutes" => 60 * SECOND,
        "h" | "hour" | "hours" => 60 * 60 * SECOND,
        "d" | "day" | "days" => 24 * 60 * 60 * SECOND,
        "w" | "week" | "weeks" => 7 * 24 * 60 * 60 * SECOND,
        _ => return None,
    })
}

fn naive_number(text: &str) -> Option<u64> {
    if text.is_empty() || text.starts_with('_') || text.ends_with('_') || text.contains("__") {
        return None;
    }
    let mut digits = text.chars().filter(|&c| c != '_');
    digits.try_fold(0_u64, |sum, c| sum.checked_mul(10)?.checked_add(c.to_digit(10)?.into()))
}
