//! Reads bytes as a policy, and as a history of calls that tries the places where limiters go wrong.
//!
//! ```text
//! policy = shape, for each of (shape % 8 + 1) quotas: limit, span; from shape 192 on: a guard span
//! span   = kind, share
//! call   = quota * 16 + move, argument, size
//! ```

use std::time::Duration;

use tollgate::{Policy, Quota};

use super::bytes::Bytes;
use crate::oracle::{Answer, Rule, burst};
use crate::subjects::rules;

const LONGEST: u64 = 1 << 62;

/// Of two equal windows the later one is dropped; so is a guard that would make a window too long.
pub fn policy(bytes: &mut Bytes<'_>) -> Policy {
    let shape = bytes.byte();
    let mut quotas: Vec<Quota> = Vec::new();
    for _ in 0..=shape % 8 {
        let quota = Quota::new(limit(bytes), Duration::from_nanos(span(bytes)));
        if quotas.iter().all(|other| other.window() != quota.window()) {
            quotas.push(quota);
        }
    }
    let policy = Policy::new(&quotas).unwrap();
    let guard = if shape < 192 { 0 } else { span(bytes) / 8 };
    policy.with_guard(Duration::from_nanos(guard)).unwrap_or(policy)
}

/// Mostly small, so that rings are soon full and histories short.
fn limit(bytes: &mut Bytes<'_>) -> u32 {
    match bytes.byte() {
        kind @ 0..=179 => 1 + u32::from(kind % 8),
        kind @ 180..=239 => u32::from(kind) - 179,
        240..=253 => 1 + u32::from(bytes.byte()),
        254.. => 1 + u32::from(bytes.word()) % 10_000,
    }
}

/// From a nanosecond to the longest window there is, in nanoseconds.
fn span(bytes: &mut Bytes<'_>) -> u64 {
    const HUMAN: [u64; 8] = [
        1_000_000,
        250_000_000,
        1_000_000_000,
        10_000_000_000,
        60_000_000_000,
        3_600_000_000_000,
        86_400_000_000_000,
        31_536_000_000_000_000,
    ];
    let (kind, share) = (bytes.byte(), u64::from(bytes.byte()));
    match kind {
        0..=63 => {
            let power = 1 << kind.min(62);
            (power + part(power, share)).min(LONGEST)
        }
        64..=191 => HUMAN[usize::from(kind % 8)] * (1 + share % 16),
        192.. => u64::from(kind) - 191,
    }
}

/// So many 256ths of `span`.
fn part(span: u64, share: u64) -> u64 {
    u64::try_from(u128::from(span) * u128::from(share) / 256).unwrap()
}

/// Turns bytes into calls as it goes, for a call may aim at what was answered before.
pub struct History<'a> {
    bytes: Bytes<'a>,
    rules: Vec<Rule>,
    calls: u32,
    now: u64,
    granted_at: u64,
    retry_at: u64,
}

impl<'a> History<'a> {
    const MOST_CALLS: u32 = 28;

    pub fn new(policy: &Policy, bytes: Bytes<'a>) -> History<'a> {
        History { bytes, rules: rules(policy), calls: 0, now: 0, granted_at: 0, retry_at: 0 }
    }

    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The next `now` and `n`.
    pub fn next(&mut self) -> Option<(u64, u32)> {
        if self.bytes.is_empty() || self.calls == Self::MOST_CALLS {
            return None;
        }
        self.calls += 1;
        let first = self.bytes.byte();
        let Rule { limit, window } = self.rule(first >> 4);
        self.now = self.moved(first % 16, limit, window);
        Some((self.now, self.size()))
    }

    /// What was answered to the call before.
    pub fn heard(&mut self, answer: Answer) {
        match answer {
            Answer::Granted => self.granted_at = self.now,
            Answer::Denied { retry_at: Some(instant), .. } => self.retry_at = instant,
            Answer::Denied { retry_at: None, .. } | Answer::Never { .. } => {}
        }
    }

    fn rule(&self, quota: u8) -> Rule {
        self.rules[usize::from(quota) % self.rules.len()]
    }

    fn moved(&mut self, kind: u8, limit: u32, window: u64) -> u64 {
        let (now, argument) = (self.now, self.bytes.byte());
        let beside = |instant: u64| instant.saturating_add_signed(i64::from(argument % 5) - 2);
        match kind {
            0..=2 => now,
            3 => beside(now.saturating_add(window)).max(now),
            4 => now.saturating_add(part(window, argument.into())),
            5 => beside(now.saturating_add(window / u64::from(limit))).max(now),
            6 => now.saturating_add(window.saturating_mul(1 + u64::from(argument % 4))),
            7 => now.saturating_add(argument.into()),
            8..=10 => beside(self.retry_at).max(now),
            11 => now.saturating_sub(part(window, argument.into())),
            12 => beside(self.granted_at.saturating_add(window)).max(now),
            13 => now.saturating_add(1 << (argument % 64)),
            14 => match argument % 4 {
                0 => u64::from(argument / 4),
                1 => u64::MAX - u64::from(argument / 4),
                2 => u64::MAX - window.saturating_mul(u64::from(argument / 4)),
                _ => u64::MAX >> (argument / 4),
            },
            _ => self.bytes.quad(),
        }
    }

    fn size(&mut self) -> u32 {
        let most = burst(&self.rules);
        match self.bytes.byte() {
            0..=119 => 1,
            120..=127 => 0,
            share @ 128..=199 => (most * (u32::from(share) - 127)).div_ceil(72),
            edge @ 200..=223 => (self.rule(edge % 8).limit + u32::from(edge / 8 - 25)).saturating_sub(1),
            some @ 224..=247 => u32::from(some) - 222,
            248..=251 => u32::MAX,
            252.. => self.bytes.long(),
        }
    }
}
