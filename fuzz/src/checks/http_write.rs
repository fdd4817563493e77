//! What is written is read back: every limit, window, remainder and time, and when to come back.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, StatusCode};
use tollgate::http::{Family, Feedback, Fields, Refusal};
use tollgate::{Algorithm, Nanos, Plan, Policy, Quota, SlidingLog, Status, TokenBucket, WindowCounter};

use super::bytes::Bytes;
use super::history::History;
use crate::subjects::refusal;

/// A policy as text up to the first zero, and then a history of calls.
pub fn http_write(data: &[u8]) {
    let (text, calls) = data.split_at(data.iter().position(|&byte| byte == 0).unwrap_or(data.len()));
    let Ok(policy) = String::from_utf8_lossy(text).parse::<Policy>() else { return };
    // The history multiplies limits; so large ones are of no interest here.
    if policy.quotas().iter().any(|quota| quota.limit() > 10_000_000) {
        return;
    }
    if policy.quotas().iter().all(|quota| quota.limit() < 5000) {
        play(SlidingLog::new(policy).ok(), None, calls);
    }
    play(TokenBucket::strict(policy).ok(), Plan::new(policy).ok().as_ref(), calls);
    play(TokenBucket::nominal(policy).ok(), None, calls);
    play(WindowCounter::new(policy).ok(), None, calls);
}

/// What one policy says, worked out from a status.
#[derive(Debug, PartialEq)]
struct Said {
    name: String,
    limit: u64,
    window: Duration,
    left: Option<(u64, Duration)>,
}

fn play<A: Algorithm>(limiter: Option<A>, plan: Option<&Plan>, calls: &[u8]) {
    let Some(limiter) = limiter else { return };
    let fields = Fields::of(&limiter);
    let mut history = History::new(limiter.policy(), Bytes::new(calls));
    while let Some((now, n)) = history.next() {
        let answer = limiter.try_acquire_at(Nanos::from_nanos(now), n);
        let status = limiter.status_at(Nanos::from_nanos(now));
        match answer {
            Ok(()) => {
                history.heard(crate::oracle::Answer::Granted);
                granted(&fields, &status, &said(limiter.policy(), plan, &status));
            }
            Err(denied) => {
                history.heard(refusal(&denied, now, n));
                refused(&fields.refusal(&denied, &status, n));
            }
        }
    }
}

fn secs(nanos: u128) -> u64 {
    u64::try_from(nanos.div_ceil(1_000_000_000)).unwrap()
}

/// Names of their own are used once; others are replaced by the quota's text.
fn name(quotas: &[Quota], quota: &Quota) -> String {
    let namesakes = quotas.iter().filter(|other| other.name() == quota.name()).count();
    match quota.name() {
        Some(name) if namesakes == 1 && name != "pace" => name.to_owned(),
        _ => Quota::new(quota.limit(), quota.window()).to_string(),
    }
}

fn said(policy: &Policy, plan: Option<&Plan>, status: &Status) -> Vec<Said> {
    let quotas = policy.quotas();
    let until = |instant: Nanos| secs(u128::from(instant.as_nanos().saturating_sub(status.at().as_nanos())));
    let mut all: Vec<Said> = quotas
        .iter()
        .map(|quota| Said {
            name: name(quotas, quota),
            limit: quota.limit().into(),
            window: Duration::from_secs(secs(quota.window().as_nanos())),
            left: None,
        })
        .collect();
    if let Some(plan) = plan {
        let back = |permits: u32| secs(plan.interval().as_nanos() * u128::from(permits));
        let left = status.remaining();
        let time = if left == 0 { until(status.next_at()).max(1) } else { back(left) };
        all.push(Said {
            name: "pace".to_owned(),
            limit: plan.burst().into(),
            window: Duration::from_secs(back(plan.burst())),
            left: Some((left.into(), Duration::from_secs(time))),
        });
        return all;
    }
    for ((said, state), quota) in all.iter_mut().zip(status.quotas()).zip(quotas) {
        let time = match state.remaining {
            0 => until(state.next_at).max(1),
            _ if state.reset_at > status.at() => until(state.reset_at),
            _ => secs((quota.window() + policy.guard()).as_nanos()),
        };
        said.left = Some((state.remaining.into(), Duration::from_secs(time)));
    }
    all
}

fn read(status: StatusCode, headers: &HeaderMap) -> Feedback {
    let feedback =
        Feedback::read_at(status, headers, SystemTime::UNIX_EPOCH + Duration::from_secs(2_000_000_000));
    assert!(feedback.ignored().is_empty(), "{headers:?}: {:?}", feedback.ignored());
    feedback
}

fn granted(fields: &Fields, status: &Status, said: &[Said]) {
    let mut headers = HeaderMap::new();
    fields.write(&mut headers, status);
    let feedback = read(StatusCode::OK, &headers);
    let mut heard: Vec<Said> = feedback
        .quotas()
        .iter()
        .map(|quota| Said {
            name: quota.name.clone(),
            limit: quota.limit.unwrap(),
            window: quota.window.unwrap(),
            left: quota.remaining.zip(quota.reset),
        })
        .collect();
    let place = |heard: &Said| said.iter().position(|said| said.name == heard.name);
    heard.sort_by_key(place);
    assert_eq!(heard, said, "{headers:?}");
    let wait =
        said.iter().filter_map(|said| said.left).filter(|&(left, _)| left == 0).map(|(_, time)| time).max();
    assert_eq!(feedback.retry_after(), wait, "{headers:?}");

    let least = said.iter().filter_map(|said| said.left).map(|(left, _)| left).min();
    for family in [Family::Draft7, Family::XRateLimit] {
        let mut headers = HeaderMap::new();
        fields.clone().family(family).write(&mut headers, status);
        let feedback = read(StatusCode::OK, &headers);
        assert_eq!(feedback.remaining(), least, "{headers:?}");
        // Only so long a time could be taken for an instant, and is written as a shorter one.
        let short = wait.map(|wait| wait.min(Duration::from_secs(999_999_999)));
        let wait = if family == Family::XRateLimit { short } else { wait };
        assert_eq!(feedback.retry_after(), wait, "{headers:?}");
    }
}

fn refused(refusal: &Refusal<'_>) {
    let response = refusal.response();
    let feedback = read(response.status(), response.headers());
    let told = refusal.retry_after_secs();
    if let Some(seconds) = told {
        assert!(feedback.is_refusal());
        assert_eq!(feedback.retry_after(), Some(Duration::from_secs(seconds)));
    }
    assert_eq!(response.status() == StatusCode::BAD_REQUEST, !feedback.is_refusal());
    let body: serde_json::Value = serde_json::from_str(response.body()).unwrap();
    assert_eq!(body["status"], response.status().as_u16());
    assert_eq!(body.get("retry-after").and_then(serde_json::Value::as_u64), told);
    let named: Vec<&str> = refusal.violated().collect();
    assert_eq!(body["violated-policies"], serde_json::json!(named));
    let read: Vec<&str> = feedback.quotas().iter().map(|quota| &*quota.name).collect();
    assert!(named.iter().all(|name| read.contains(name)), "{named:?} of {read:?}");
}
