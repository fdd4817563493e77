//! Traces against a reader that works digit by digit.

use tollgate_lab::log::{Format, Options, read_bytes};

/// A request: nanoseconds, and the client if the trace tells.
type Request = (u64, Option<String>);

pub fn log_trace(data: &[u8]) {
    let options = Options { format: Some(Format::Trace), ..Options::default() };
    // Compressed by gzip it is another matter.
    if data.starts_with(&[0x1f, 0x8b]) {
        return;
    }
    match (read_bytes(data, &options), naive(data)) {
        (Ok(traffic), Some(naive)) => {
            let client = |client| traffic.clients.name(client).map(str::to_owned);
            let requests = traffic.steps.iter().map(|step| (traffic.origin + step.at, client(step.client)));
            assert_eq!(requests.collect::<Vec<_>>(), naive);
        }
        (Err(error), None) => super::one_line(&error, data),
        (read, naive) => panic!("{read:?} where a naive reader finds {naive:?}"),
    }
}

/// `None` if anything is wrong.
fn naive(data: &[u8]) -> Option<Vec<Request>> {
    let text = String::from_utf8_lossy(data);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let mut lines = text.split('\n').filter(|line| !line.trim_ascii().is_empty());
    let columns: Vec<&str> = lines.next()?.split(',').map(str::trim).collect();
    let clients = match columns[..] {
        ["seconds"] => false,
        ["seconds", "client"] => true,
        _ => return None,
    };
    let requests: Option<Vec<Request>> = lines.map(|line| request(line, clients)).collect();
    let mut requests = requests.filter(|requests| !requests.is_empty())?;
    let mut newest = 0;
    for (at, _) in &requests {
        newest = newest.max(*at);
        if newest - at > 300_000_000_000 {
            return None;
        }
    }
    requests.sort_by_key(|(at, _)| *at);
    let span = requests.last()?.0 - requests.first()?.0;
    (span <= 315_576_000_000_000_000).then_some(requests)
}

fn request(line: &str, clients: bool) -> Option<Request> {
    let fields: Vec<&str> = line.split(',').map(str::trim).collect();
    match (&fields[..], clients) {
        (&[seconds], false) => Some((nanos(seconds)?, None)),
        (&[seconds, client], true) => Some((nanos(seconds)?, Some(client.to_owned()))),
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
