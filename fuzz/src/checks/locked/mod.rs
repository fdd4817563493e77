//! The references. The first byte chooses one.

mod counts;

use tollgate::Policy;
use tollgate::reference::{BucketMachine, FixedWindow, Locked, LogMachine, Machine, SlidingWindowCounter};

use super::bytes::Bytes;
use super::history::{History, policy};
use super::left::assert_left;
use super::sliding_log::check_log;
use crate::oracle::{Answer, ExactBucket, Grid, burst};
use crate::subjects::{at, call, refusal};
use counts::{Counts, Share};

pub fn locked(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let choice = bytes.byte();
    let policy = policy(&mut bytes);
    let history = History::new(&policy, bytes);
    match choice % 4 {
        0 => check_log(&Locked::new(LogMachine::new(policy)), Grid::NANOSECONDS, history),
        1 => check_bucket(&policy, history),
        2 => check_counts(FixedWindow::new(policy), Share::None, history),
        _ => check_counts(SlidingWindowCounter::new(policy), Share::OfTheLast, history),
    }
}

fn check_bucket(policy: &Policy, mut history: History<'_>) {
    let mut machine = BucketMachine::new(*policy);
    let mut exact = ExactBucket::new(history.rules());
    while let Some((now, n)) = history.next() {
        let before = machine.status_at(at(now));
        let answer = asked(&mut machine, now, n);
        assert_eq!(answer, exact.call(now, n), "at {now} for {n} under {policy}");
        let after = machine.status_at(at(now));
        assert_left(&after, now, &exact.left(now), |instant| u64::try_from(instant).ok());
        assert!(before == after || (answer == Answer::Granted && n > 0), "{answer:?} changed the bucket");
        history.heard(answer);
    }
}

/// Decision, quota and retry instant by counting all grants; what is left by trying it on a copy.
fn check_counts<M: Machine + Clone>(mut machine: M, share: Share, mut history: History<'_>) {
    let rules = history.rules().to_vec();
    let mut counts = Counts::new(rules.clone(), share);
    while let Some((now, n)) = history.next() {
        let before = machine.status_at(at(now));
        let answer = asked(&mut machine, now, n);
        match answer {
            Answer::Granted => assert!(counts.refusing(now, n).is_none(), "granted at {now} for {n}"),
            Answer::Never { burst: most } => assert!(n > most && most == burst(&rules)),
            Answer::Denied { quota, retry_at } => {
                assert!(counts.refusing(now, n).is_some(), "refused at {now} for {n}");
                let Some(retry_at) = retry_at else {
                    // Of the quotas that refuse for all time any may be named.
                    assert!(counts.remaining(quota, u64::MAX - 1) < n, "quota {quota} at the end of time");
                    continue;
                };
                assert_eq!(counts.refusing(retry_at - 1, n), Some(quota), "a nanosecond before {retry_at}");
                assert_eq!(counts.refusing(retry_at, n), None, "at {retry_at}");
                assert_eq!(asked(&mut machine.clone(), retry_at, n), Answer::Granted, "at {retry_at}");
            }
        }
        if answer == Answer::Granted && n > 0 {
            counts.record(now, n);
        } else {
            assert_eq!(before, machine.status_at(at(now)), "{answer:?} at {now} for {n} changed the counts");
        }
        check_left(&machine, &counts, now);
        history.heard(answer);
    }
}

/// `remaining` is the most that one more call is granted; a quota is whole at its reset and not before.
fn check_left<M: Machine + Clone>(machine: &M, counts: &Counts, now: u64) {
    let status = machine.status_at(at(now));
    let most = status.remaining();
    let copy = Locked::new(machine.clone());
    assert_ne!(call(&copy, now, most + 1), Answer::Granted, "{most} are left at {now}");
    assert_eq!(call(&copy, now, most), Answer::Granted, "{most} are left at {now}");
    for (i, left) in status.quotas().iter().enumerate() {
        assert_eq!(left.remaining, counts.remaining(i, now), "quota {i} at {now}");
        let whole = |instant| machine.status_at(at(instant)).quotas()[i].remaining == counts.limit(i);
        let next_at = left.next_at.as_nanos();
        if next_at > now {
            assert_eq!(
                machine.status_at(at(next_at - 1)).quotas()[i].remaining,
                0,
                "quota {i} before {next_at}"
            );
        }
        let there = machine.status_at(at(next_at.max(now))).quotas()[i].remaining > 0;
        assert!(there || next_at == u64::MAX, "quota {i} has no permit at {next_at}");
        let reset_at = left.reset_at.as_nanos();
        if reset_at > now {
            assert!(!whole(reset_at - 1), "quota {i} is whole before {reset_at}");
        }
        assert!(whole(reset_at.max(now)) || reset_at == u64::MAX, "quota {i} is not whole at {reset_at}");
    }
}

fn asked(machine: &mut impl Machine, now: u64, n: u32) -> Answer {
    match machine.try_acquire_at(at(now), n) {
        Ok(()) => Answer::Granted,
        Err(denied) => refusal(&denied, now, n),
    }
}
