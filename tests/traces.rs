//! Real traffic, counted to the permit. The expected counts come from an independent program.
//!
//! The traces are not part of the crate. Where they are absent, the tests print that and check nothing.

mod oracle;
mod subjects;

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use oracle::{Answer, ExactBucket, ExactLog, Grid, busiest};
use sha2::{Digest, Sha256};
use subjects::{Kind, Subject, call, policy, rules};
use tollgate::Algorithm;

const AZURE: &str = "azure-llm-code-2023.csv";
const NASA: &str = "nasa-http-1995-07-01.csv";
const RULE: &str = "50/1m, 1500/1h";

/// An arrival: nanoseconds since the first, and the client, if the trace tells.
type Event = (u64, Option<u32>);

/// Decimal seconds, exactly; more than nine decimals would not be nanoseconds.
fn nanoseconds(text: &str) -> u64 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    assert!(fraction.len() <= 9, "{text} is finer than a nanosecond");
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    assert!(!whole.is_empty() && digits(whole) && digits(fraction), "{text} is not decimal seconds");
    format!("{whole}{fraction:0<9}").parse().unwrap()
}

#[test]
fn seconds_are_read_exactly() {
    assert_eq!(nanoseconds("0"), 0);
    assert_eq!(nanoseconds("0.052"), 52_000_000);
    assert_eq!(nanoseconds("17.000000001"), 17_000_000_001);
    assert_eq!(nanoseconds("3600.5"), 3_600_500_000_000);
}

fn trace(name: &str) -> Option<Vec<Event>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/traces").join(name);
    let Ok(text) = fs::read_to_string(&path) else {
        println!("SKIPPED: there is no trace {}", path.display());
        return None;
    };
    let event = |line: &str| match line.split_once(',') {
        Some((seconds, client)) => (nanoseconds(seconds), Some(client.parse().unwrap())),
        None => (nanoseconds(line), None),
    };
    let events: Vec<Event> = text.lines().skip(1).map(event).collect();
    assert!(events.is_sorted_by_key(|event| event.0));
    Some(events)
}

/// The events that an algorithm grants, one permit each.
fn decide(algorithm: &dyn Subject, events: &[Event]) -> Vec<bool> {
    events.iter().map(|&(now, _)| call(algorithm, now, 1) == Answer::Granted).collect()
}

fn count(decisions: &[bool]) -> usize {
    decisions.iter().filter(|&&granted| granted).count()
}

fn granted(events: &[Event], decisions: &[bool]) -> Vec<(u64, u32)> {
    events.iter().zip(decisions).filter(|&(_, &granted)| granted).map(|(event, _)| (event.0, 1)).collect()
}

/// The first 16 digits of the SHA-256 of a '0' or '1' per event.
fn digest(decisions: &[bool]) -> String {
    let text: String = decisions.iter().map(|&granted| if granted { '1' } else { '0' }).collect();
    let head: [u8; 8] = Sha256::digest(text)[..8].try_into().unwrap();
    format!("{:016x}", u64::from_be_bytes(head))
}

fn decisions(kind: Kind, text: &str, events: &[Event]) -> Vec<bool> {
    decide(&*kind.build(policy(text)).unwrap(), events)
}

#[test]
fn the_log_grants_the_exact_count_and_the_exact_events() {
    for (name, events, grants, sha) in
        [(AZURE, 8819, 1500, "6c4d1bf7faa80049"), (NASA, 9999, 5637, "c6edbaa01301773f")]
    {
        let Some(trace) = trace(name) else { continue };
        assert_eq!(trace.len(), events);
        let log = decisions(Kind::Log, RULE, &trace);
        assert_eq!((count(&log), digest(&log).as_str()), (grants, sha), "{name}");
        assert_eq!(decisions(Kind::LockedLog, RULE, &trace), log, "{name}");
    }
}

#[test]
fn the_oracle_agrees_event_by_event() {
    for name in [AZURE, NASA] {
        let Some(trace) = trace(name) else { continue };
        for text in [RULE, "3/7s, 40/600s"] {
            let mut exact = ExactLog::new(&rules(&policy(text)), Grid::NANOSECONDS);
            let mut oracle = |now| {
                let admitted = exact.admits(now, 1);
                exact.record(now, u32::from(admitted));
                admitted
            };
            let want: Vec<bool> = trace.iter().map(|&(now, _)| oracle(now)).collect();
            assert_eq!(decisions(Kind::Log, text, &trace), want, "{name}, {text}");
        }
    }
}

#[test]
fn another_rule_grants_its_exact_count() {
    for (name, grants) in [(AZURE, 215), (NASA, 880)] {
        let Some(trace) = trace(name) else { continue };
        let log = decisions(Kind::Log, "3/7s, 40/10m", &trace);
        assert_eq!(count(&log), grants, "{name}");
        assert_eq!(decisions(Kind::LockedLog, "3/7s, 40/10m", &trace), log, "{name}");
    }
}

#[test]
fn each_client_has_its_own_log() {
    let Some(trace) = trace(NASA) else { return };
    for (text, grants) in [("10/1m, 100/1h", 9926), ("5/1m, 30/1h", 8362)] {
        for kind in [Kind::Log, Kind::LockedLog] {
            let mut logs: HashMap<u32, Box<dyn Subject>> = HashMap::new();
            let mut decide = |&(now, client): &Event| {
                let log = logs.entry(client.unwrap()).or_insert_with(|| kind.build(policy(text)).unwrap());
                call(log, now, 1) == Answer::Granted
            };
            let total = trace.iter().filter(|event| decide(event)).count();
            assert_eq!((total, logs.len()), (grants, 936), "{kind:?} of {text}");
        }
    }
}

/// How many grants are over the rule: with each of them some window holds more than its limit.
fn over(text: &str, grants: &[(u64, u32)]) -> usize {
    let mut log = ExactLog::new(&rules(&policy(text)), Grid::NANOSECONDS);
    let mut over = 0;
    for &(now, n) in grants {
        over += usize::from(!log.admits(now, n));
        log.record(now, n);
    }
    over
}

/// The textbook bucket to the nanosecond, and the same on its grid of 250 us: the grid grants no event more. It
/// delays one of the first trace by a tick, and with it the refusal of another.
#[test]
fn the_nominal_bucket_grants_the_textbook_count() {
    for (name, grants, textbook_over, pair_over) in [(AZURE, 2234, 1439, 1440), (NASA, 6961, 4327, 4327)] {
        let Some(trace) = trace(name) else { continue };
        let mut exact = ExactBucket::new(&rules(&policy(RULE)));
        let want: Vec<bool> = trace.iter().map(|&(now, _)| exact.call(now, 1) == Answer::Granted).collect();
        assert_eq!(count(&want), grants, "{name}");
        assert_eq!(over(RULE, &granted(&trace, &want)), textbook_over, "{name}");
        assert_eq!(decisions(Kind::LockedBucket, RULE, &trace), want, "{name}");

        let pair = decisions(Kind::Nominal, RULE, &trace);
        assert_eq!(count(&pair), grants, "{name}");
        assert_eq!(over(RULE, &granted(&trace, &pair)), pair_over, "{name}");
        // A third quota that never binds: announced charges instead of a pair, on a grid of nanoseconds.
        let announced = decisions(Kind::Nominal, "50/1m, 1500/1h, 1000000/1d", &trace);
        assert_eq!(announced, want, "{name}");
    }
}

#[test]
fn the_logs_and_the_strict_bucket_never_exceed_a_limit_and_the_buckets_keep_their_bound() {
    for name in [AZURE, NASA] {
        let Some(trace) = trace(name) else { continue };
        for text in [RULE, "3/7s, 40/10m"] {
            for kind in [
                Kind::Log,
                Kind::Strict,
                Kind::WindowCounter,
                Kind::Nominal,
                Kind::LockedLog,
                Kind::LockedBucket,
                Kind::FixedWindow,
            ] {
                let subject = kind.build(policy(text)).unwrap();
                let grants = granted(&trace, &decide(&*subject, &trace));
                for rule in rules(subject.policy()) {
                    let busy = busiest(&grants, rule.window);
                    assert!(busy <= kind.most(rule.limit).unwrap(), "{name}, {kind:?}: {busy} in {rule:?}");
                }
            }
        }
    }
}

/// And how many it grants of such bursty traffic, so that a change is noticed.
#[test]
fn the_strict_bucket_grants_no_event_that_the_log_with_its_history_refuses() {
    for (name, grants) in [(AZURE, 1148), (NASA, 5382)] {
        let Some(trace) = trace(name) else { continue };
        let strict = decisions(Kind::Strict, RULE, &trace);
        assert_eq!(count(&strict), grants, "{name}");
        let mut log = ExactLog::new(&rules(&policy(RULE)), Grid::NANOSECONDS);
        for (now, n) in granted(&trace, &strict) {
            assert!(log.admits(now, n), "{name} at {now}");
            log.record(now, n);
        }
    }
}

/// On the first trace more than the strict bucket, for the whole of 50 goes at once. On the second, where the hour is the
/// limit most of the time, 0.8 % less, for that costs a permit per 2.48 s instead of 2.44 s.
#[test]
fn the_window_counter_grants_no_event_that_the_log_with_its_history_refuses() {
    for (name, strict, counter, log) in [(AZURE, 1148, 1307, 1500), (NASA, 5382, 5338, 5637)] {
        let Some(trace) = trace(name) else { continue };
        let grants = [Kind::Strict, Kind::WindowCounter, Kind::Log].map(|kind| decisions(kind, RULE, &trace));
        assert_eq!(grants.each_ref().map(|grants| count(grants)), [strict, counter, log], "{name}");
        assert_eq!(over(RULE, &granted(&trace, &grants[1])), 0, "{name}");
    }
}
