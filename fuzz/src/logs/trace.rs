//! The reader of traces accepts exactly what a naive reader accepts, and reads the same.

use tollgate_lab::Event;
use tollgate_lab::traffic::trace::{TraceError, read};

pub fn log_trace(data: &[u8]) {
    match (read(data), naive(data)) {
        (Ok(events), Some(naive)) => assert_eq!(events, naive),
        (Err(error), None) => {
            let text = error.to_string();
            assert!(!text.is_empty() && !text.contains('\n'), "{text:?} is not one line");
            if let TraceError::Line { line, .. } = error {
                let lines = data.split(|&byte| byte == b'\n').count();
                assert!(
                    line >= 1 && usize::try_from(line).is_ok_and(|line| line <= lines),
                    "line {line} of {lines}"
                );
            }
        }
        (events, naive) => panic!("{events:?} where a naive reader finds {naive:?}"),
    }
}

/// `None` if anything is wrong.
fn naive(data: &[u8]) -> Option<Vec<Event>> {
    let lines = data.split_inclusive(|&byte| byte == b'\n');
    if data.is_empty() || lines.clone().any(|line| line.len() > 4096) {
        return None;
    }
    let mut lines = lines.filter(|line| !line.trim_ascii().is_empty());
    let header = std::str::from_utf8(lines.next()?).ok()?;
    let header = header.strip_prefix('\u{feff}').unwrap_or(header);
    let columns: Vec<&str> = header.split(',').map(str::trim).collect();
    let clients = match columns[..] {
        ["seconds"] => false,
        ["seconds", "client"] => true,
        _ => return None,
    };
    let events: Option<Vec<Event>> =
        lines.map(|line| event(std::str::from_utf8(line).ok()?, clients)).collect();
    events.filter(|events| !events.is_empty() && events.is_sorted_by_key(|event| event.nanos))
}

fn event(line: &str, clients: bool) -> Option<Event> {
    let fields: Vec<&str> = line.split(',').map(str::trim).collect();
    match (&fields[..], clients) {
        (&[seconds], false) => Some(Event { nanos: nanos(seconds)?, client: None }),
        (&[seconds, client], true) => Some(Event { nanos: nanos(seconds)?, client: Some(number(client)?) }),
        _ => None,
    }
}

/// Digit by digit, each at its own weight: a nanosecond below the point is worth a tenth of the one before.
fn nanos(text: &str) -> Option<u64> {
    let mut sum = 0_u128;
    let mut weight = None;
    for character in text.chars() {
        match (character.to_digit(10), &mut weight) {
            (Some(digit), None) => {
                sum = sum.saturating_mul(10).saturating_add(u128::from(digit) * 1_000_000_000);
            }
            (Some(0), Some(0)) => {}
            (Some(_), Some(0)) => return None,
            (Some(digit), Some(weight)) => {
                sum = sum.saturating_add(u128::from(digit) * *weight);
                *weight /= 10;
            }
            (None, None) if character == '.' => weight = Some(100_000_000),
            (None, _) => return None,
        }
    }
    u64::try_from(sum).ok().filter(|_| text.contains(|c: char| c.is_ascii_digit()))
}

fn number(text: &str) -> Option<u64> {
    let mut sum = 0_u64;
    for character in text.chars() {
        sum = sum.checked_mul(10)?.checked_add(character.to_digit(10)?.into())?;
    }
    (!text.is_empty()).then_some(sum)
}
