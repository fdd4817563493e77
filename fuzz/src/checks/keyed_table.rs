//! A table of one set of eight slots grants no key more than the exact bucket of its own, and while it has room for all
//! keys it answers as that does.
//!
//! ```text
//! input = burst, policy (`history.rs`), calls
//! call  = key and kind, move and its sign, size, n
//! ```

use tollgate::keyed::{KeyedError, KeyedTable};
use tollgate::{Nanos, Plan};

use super::bytes::Bytes;
use super::history::policy;
use crate::oracle::ExactKey;

const KEYS: usize = 32;
const SLOTS: usize = 8;

/// Identities that differ in 12 bits.
fn hash(key: usize) -> u64 {
    0x9e37_79b9_7f4a_7000 | (17 * (key as u64 + 1))
}

pub fn keyed_table(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let choice = bytes.byte();
    let policy = policy(&mut bytes);
    let plan = match choice.checked_sub(128) {
        None => Plan::new(policy),
        Some(choice) => Plan::with_burst(policy, 1 + u32::from(choice) % 16),
    };
    let Ok(plan) = plan else { return };
    let interval = u64::try_from(plan.interval().as_nanos()).unwrap();
    let exact = ExactKey::alone(interval, plan.burst());
    let (table, exact) = match (KeyedTable::new(plan, SLOTS), exact) {
        (Ok(table), Some(exact)) => (table, exact),
        (Err(KeyedError::TooFine { .. } | KeyedError::TooLong { .. }), None) => return,
        (table, exact) => panic!("{plan}: {table:?} but {exact:?}"),
    };

    let mut keys = [exact; KEYS];
    let mut called = [false; KEYS];
    let mut now = 0_u64;
    while !bytes.is_empty() {
        let (which, shift, size, n) = (bytes.byte(), bytes.byte(), bytes.byte(), bytes.byte());
        now = moved(now, interval, exact, shift, size);
        let (key, at) = (usize::from(which) % KEYS, Nanos::from_nanos(now));
        let n = match n {
            0..=199 => u32::from(n % 4),
            200..=249 => u32::from(n) % (plan.burst().saturating_add(2)),
            250.. => plan.burst().saturating_add(u32::from(n) - 250),
        };
        called[key] = true;
        let room = called.iter().filter(|&&called| called).count() <= SLOTS;
        let expected = keys[key].peek(now, n);
        let told = |answer: Result<(), tollgate::Denied>| {
            answer.map_err(|denied| denied.retry_at().map(Nanos::as_nanos))
        };
        let peeked = told(table.peek_at(at, hash(key), n));
        let answer = if which < 128 { told(table.try_acquire_at(at, hash(key), n)) } else { peeked };
        assert_eq!(peeked, answer, "{plan}: {n} at {now}");
        if room {
            assert_eq!(answer, expected, "{plan}: {n} at {now}");
        }
        if answer.is_ok() && which < 128 {
            assert_eq!(keys[key].take(now, n), Ok(()), "{plan}: {n} at {now} by key {key} is too much");
        }
        let left = u128::from(table.status_at(at, hash(key)).remaining());
        let own = keys[key].remaining(now);
        assert!(left <= own && (left == own || !room), "{plan}: {left} left at {now}, {own} of its own");
    }
}

/// Steps of parts of an interval, of many, backwards, and to the edges of time.
fn moved(now: u64, interval: u64, exact: ExactKey, shift: u8, size: u8) -> u64 {
    let size = u64::from(size);
    match shift {
        0..=99 => now.saturating_add((interval / 64).saturating_mul(size)),
        100..=149 => now.saturating_add(size),
        150..=179 => now.saturating_add(interval.saturating_mul(size)),
        180..=199 => now.saturating_sub((interval / 16).saturating_mul(size)),
        200..=219 => now.saturating_sub(size),
        220..=239 => now,
        240..=247 => {
            let last = u64::try_from(exact.last * exact.tick()).unwrap_or(u64::MAX);
            last.saturating_sub(16).saturating_add(size)
        }
        248..=251 => u64::MAX - size,
        252.. => size,
    }
}
