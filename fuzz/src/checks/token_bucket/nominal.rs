//! The nominal buckets grant nothing that an exact one with the same history refuses, and refuse little else.

use tollgate::{Algorithm, BuildError, Policy, Status, TokenBucket};

use super::YEAR;
use super::single::Single;
use crate::checks::bytes::Bytes;
use crate::checks::history::{History, policy};
use crate::oracle::{Answer, ExactBucket, Rule, burst, busiest, effective};
use crate::subjects::{at, call, rules};

pub fn token_bucket_nominal(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let policy = policy(&mut bytes);
    let rules = rules(&policy);
    let mut history = History::new(&policy, bytes);
    let granted = match (TokenBucket::nominal(policy), &rules[..]) {
        (Ok(bucket), &[Rule { limit, window }]) => {
            Single::new(&[(limit, window)], limit).unwrap().check(&bucket, &mut history)
        }
        (Ok(bucket), _) => Joint::new(&bucket, &rules).check(&mut history),
        (Err(BuildError::Unrepresentable { quota }), _) => {
            return assert!(quota < rules.len() && is_hard(&rules), "{policy}");
        }
        (Err(error), _) => panic!("{policy}: {error}"),
    };
    for granted in [effective(&granted), granted] {
        for rule in &rules {
            let most = 2 * u64::from(rule.limit) - 1;
            assert!(busiest(&granted, rule.window) <= most, "{rule:?}: {granted:?}");
        }
    }
}

/// Whether a permit comes back within 100 ns, or a year and the longest window are too many of the ticks, or of the
/// fractions of a nanosecond, that the shortest window and interval need. Generous, but what people write is not hard.
fn is_hard(rules: &[Rule]) -> bool {
    let permit = rules.iter().map(|rule| rule.window / u64::from(rule.limit)).min().unwrap();
    let shortest = rules.iter().map(|rule| rule.window >> 15).min().unwrap();
    let longest = rules.iter().map(|rule| u128::from(rule.window)).max().unwrap();
    let tick = u128::from(shortest.min(permit).max(1));
    let fractions = permit < 10_000 && longest >= 1 << 51;
    permit < 100
        || fractions
        || longest.max(1 << 52) * 16 * u128::from(burst(rules).next_power_of_two()) > tick << 61
}

/// Several buckets, and the exact ones with the same history.
struct Joint<'a> {
    bucket: &'a TokenBucket,
    burst: u32,
    exact: ExactBucket,
    /// Slower by 1e-4, and asked `early` nanoseconds earlier: what rounding may cost.
    slow: ExactBucket,
    early: u64,
    granted: Vec<(u64, u32)>,
    /// The newest instant of a grant, or where the clock has been if it only went forward.
    newest: u64,
    forward: bool,
}

impl<'a> Joint<'a> {
    fn new(bucket: &'a TokenBucket, rules: &[Rule]) -> Joint<'a> {
        let slower = |rule: &Rule| Rule { window: rule.window + rule.window.div_ceil(10_000), ..*rule };
        Joint {
            bucket,
            burst: burst(rules),
            exact: ExactBucket::new(rules),
            slow: ExactBucket::new(&rules.iter().map(slower).collect::<Vec<_>>()),
            early: rules.iter().map(|rule| rule.window).min().unwrap().div_ceil(10_000),
            granted: Vec::new(),
            newest: 0,
            forward: true,
        }
    }

    fn check(mut self, history: &mut History<'_>) -> Vec<(u64, u32)> {
        let mut last = 0;
        while let Some((now, n)) = history.next() {
            self.forward &= last <= now && now <= YEAR;
            last = now;
            let before = self.bucket.status_at(at(now));
            let answer = call(self.bucket, now, n);
            match answer {
                Answer::Granted if n > 0 => self.granted(now, n, &before),
                Answer::Denied { quota, retry_at } => self.denied(now, n, quota, retry_at),
                Answer::Granted => {}
                Answer::Never { burst } => assert!(n > burst && burst == self.burst),
            }
            if answer != Answer::Granted || n == 0 {
                let after = self.bucket.status_at(at(now));
                assert_eq!(before, after, "{answer:?} at {now} for {n} changed {:?}", self.bucket);
            }
            history.heard(answer);
        }
        self.granted
    }

    fn granted(&mut self, now: u64, n: u32, before: &Status) {
        assert!(n <= before.remaining(), "{n} granted at {now} of {before:?}");
        // A stale call took place no earlier than the newest grant.
        self.newest = self.newest.max(now);
        assert!(self.exact.admits(self.newest, n), "granted at {now} for {n}: {:?}", self.bucket);
        self.exact.record(self.newest, n);
        self.slow.record(self.newest, n);
        self.granted.push((now, n));
    }

    fn denied(&self, now: u64, n: u32, quota: usize, retry_at: Option<u64>) {
        let left = self.bucket.status_at(at(now));
        assert!(n > left.remaining(), "{n} refused at {now} of {left:?}");
        assert!(n <= self.burst && quota < left.quotas().len());
        if self.forward {
            // Without a retry instant it lies behind the end of the words.
            for asked in [now, retry_at.unwrap_or(YEAR) - 1] {
                if let Some(earlier) = asked.checked_sub(self.early) {
                    assert!(!self.slow.admits(earlier, n), "refused at {asked} for {n}: {:?}", self.bucket);
                }
            }
        }
        match retry_at {
            Some(instant) => {
                let early = self.bucket.status_at(at(instant - 1));
                assert!(n > early.quotas()[quota].remaining, "{n} at {instant}, yet {early:?}");
                assert!(n <= self.bucket.status_at(at(instant)).remaining(), "{n} at {instant}");
                self.retry(instant, n, Answer::Granted);
                self.retry(instant - 1, n, Answer::Denied { quota, retry_at });
            }
            None => assert!(n > self.bucket.status_at(at(u64::MAX - 1)).remaining(), "{n} at the end"),
        }
    }

    /// What another bucket with the same history answers to a retry; not for each refusal, for that takes long.
    fn retry(&self, instant: u64, n: u32, expected: Answer) {
        if self.granted.len() < 8 {
            let twin = twin(self.bucket.policy(), &self.granted);
            assert_eq!(call(&twin, instant, n), expected, "at {instant} for {n}: {:?}", self.bucket);
        }
    }
}

fn twin(policy: &Policy, granted: &[(u64, u32)]) -> TokenBucket {
    let twin = TokenBucket::nominal(*policy).unwrap();
    for &(now, n) in granted {
        assert_eq!(call(&twin, now, n), Answer::Granted, "a twin differs");
    }
    twin
}
