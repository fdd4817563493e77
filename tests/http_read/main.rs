//! What servers say, as the reader of responses understands it: `src/http/read`.

extern crate alloc;

mod dates;
mod forms;
mod heeded;
mod hostile;
mod rules;
mod series;
mod structured_fields;
mod vendors;

// The parts that are compared with other crates.
#[allow(dead_code, reason = "only a part of it is tested here")]
#[path = "../../src/http/read/date.rs"]
mod date;
#[allow(dead_code, reason = "only a part of it is tested here")]
#[path = "../../src/http/read/number.rs"]
mod number;
#[path = "../../src/http/read/structured.rs"]
mod structured;

#[allow(unreachable_pub, reason = "the fuzz targets include it, too")]
#[path = "../../fuzz/src/checks/http_date.rs"]
mod http_date;
#[allow(unreachable_pub, reason = "the fuzz targets include it, too")]
#[path = "../../fuzz/src/checks/http_structured.rs"]
mod http_structured;

use std::fmt::Write;
use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use tollgate::http::{Feedback, ServerQuota, ServerUnit};

/// 2026-11-25 16:00:00, in seconds since 1970.
const NOW: u64 = 1_795_622_400;
const DATE: (&str, &str) = ("date", "Wed, 25 Nov 2026 16:00:00 GMT");

fn headers(fields: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    headers
}

/// Reads a response that arrives at [`NOW`].
fn read(status: u16, fields: &[(&str, &str)]) -> Feedback {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(NOW);
    Feedback::read_at(StatusCode::from_u16(status).unwrap(), &headers(fields), now)
}

/// `name: limit/window, remaining left, reset`. What is not told is `?`.
fn shown(quota: &ServerQuota) -> String {
    fn or_unknown<T: std::fmt::Debug>(value: Option<T>) -> String {
        value.map_or("?".into(), |value| format!("{value:?}"))
    }
    let mut text = format!("{}: ", quota.name);
    if quota.unit != ServerUnit::Requests {
        write!(text, "{:?} ", quota.unit).unwrap();
    }
    let (limit, window) = (or_unknown(quota.limit), or_unknown(quota.window));
    let (left, reset) = (or_unknown(quota.remaining), or_unknown(quota.reset));
    write!(text, "{limit}/{window}, {left} left, reset {reset}").unwrap();
    text
}

fn quotas(feedback: &Feedback) -> Vec<String> {
    feedback.quotas().iter().map(shown).collect()
}

fn nonsense(feedback: &Feedback) -> Vec<String> {
    feedback.ignored().iter().map(ToString::to_string).collect()
}
