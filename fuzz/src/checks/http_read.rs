//! A response with any fields is read, and heeded: nothing panics, what is kept is bounded, no limit is raised, and no pause
//! is longer than allowed.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use tollgate::http::{Feedback, Heed};
use tollgate::{Manual, Nanos, RateLimiter, SlidingLog};

const STATUSES: [StatusCode; 4] =
    [StatusCode::OK, StatusCode::TOO_MANY_REQUESTS, StatusCode::FORBIDDEN, StatusCode::SERVICE_UNAVAILABLE];

const LONGEST: Duration = Duration::from_secs(300);

/// The first byte is the status. Then each line is a field, `name: value`.
pub fn http_read(data: &[u8]) {
    let Some((&status, lines)) = data.split_first() else { return };
    let status = STATUSES[usize::from(status) % STATUSES.len()];
    let mut headers = HeaderMap::new();
    for line in lines.split(|&byte| byte == b'\n') {
        let Some(colon) = line.iter().position(|&byte| byte == b':') else { continue };
        let name = HeaderName::from_bytes(&line[..colon]);
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(&line[colon + 1..])) {
            headers.append(name, value);
        }
    }
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_622_400);
    let feedback = Feedback::read_at(status, &headers, now);
    assert!(feedback.quotas().len() <= Feedback::MAX_QUOTAS);
    assert!(feedback.quotas().iter().all(|quota| quota.name.len() <= 64 + "priority-".len()));
    assert!(feedback.ignored().len() <= Feedback::MAX_IGNORED);
    for ignored in feedback.ignored() {
        assert!(ignored.field().len() <= 64 && ignored.value().len() <= 64 && ignored.to_string().is_ascii());
    }
    assert!(feedback.counts_against_us() || feedback.is_refusal());

    let clock = Manual::new();
    clock.advance(Duration::from_secs(1000));
    let log = SlidingLog::new("50/1m, 1500/1h".parse().unwrap()).unwrap();
    let limiter = RateLimiter::new(log, clock.clone());
    let done = feedback.heed(&limiter, &Heed::new().with_longest_pause(LONGEST));
    assert!(done.pause.is_none_or(|pause| pause <= LONGEST));
    assert!(done.pause.is_none() || done.lowered_to.is_none());
    if feedback.is_refusal() {
        assert!(done.pause.is_some());
    }
    let ready = limiter.peek().map_or_else(|denied| denied.retry_at(), |()| Some(Nanos::from_secs(1000)));
    assert!(ready.is_some_and(|ready| ready <= Nanos::from_secs(1300)));
    if let Some(left) = done.lowered_to {
        assert_eq!(Some(u64::from(left)), feedback.remaining());
        assert_eq!(limiter.status().remaining(), left);
    }
}
