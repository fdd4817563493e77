//! How does a table with a bucket for each client do?

use std::sync::Arc;

use tollgate::keyed::KeyedTable;
use tollgate::{Algorithm, Denied, Nanos, Plan, Policy, Status};

use super::memory::uncounted;
use super::{Figures, through};
use crate::progress::Progress;
use crate::traffic::Traffic;

/// One client's bucket of a table that it shares with the others.
#[derive(Debug)]
struct Key {
    table: Arc<KeyedTable>,
    hash: u64,
}

impl Algorithm for Key {
    fn policy(&self) -> &Policy {
        self.table.policy()
    }

    fn try_acquire_at(&self, now: Nanos, n: u32) -> Result<(), Denied> {
        self.table.try_acquire_at(now, self.hash, n)
    }

    fn peek_at(&self, now: Nanos, n: u32) -> Result<(), Denied> {
        self.table.peek_at(now, self.hash, n)
    }

    fn status_at(&self, now: Nanos) -> Status {
        self.table.status_at(now, self.hash)
    }
}

/// Replays `traffic` through one table with two slots for each client, which is the size that its documentation advises.
pub(super) fn replay(policy: &Policy, traffic: &Traffic, progress: &Progress) -> Result<Figures, String> {
    let plan = Plan::new(*policy).map_err(|error| error.to_string())?;
    let clients = traffic.limiters();
    let fresh = || {
        let table = KeyedTable::new(plan, 2 * clients.max(1)).map_err(|error| error.to_string())?;
        let table = Arc::new(table);
        let mut keys = Vec::new();
        // What counts as its memory is the table.
        uncounted(|| {
            keys =
                (0..clients as u64).map(|key| Key { table: Arc::clone(&table), hash: hash(key) }).collect();
        });
        Ok(keys)
    };
    through(fresh, policy, traffic, progress)
}

/// Every bit of the key changes every bit of the hash with the same probability. Unlike the hash of a real server it is
/// the same in every run, and so are the answers.
const fn hash(key: u64) -> u64 {
    // SplitMix64: Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014.
    let word = key.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}
