//! When a node asks the store, and for how many permits. Plain data without I/O and without a clock, so the simulator runs what
//! real nodes run.
//!
//! # When it asks
//!
//! - **On demand:** a caller did not find its permits here.
//! - **Ahead of need:** few permits are left, or they expire soon, and the node uses six or more in the life of a lease. What is few
//!   depends on how long a request takes and on how fast permits are used.
//! - **Not** before the store can have the permits. The last answer told when the bucket is full again, and others only make
//!   that later.
//! - **Not** within a gap after an answer that was short of what was wanted, and left little in the store. So a node that wants
//!   more than there is makes at most eight requests in the life of a lease, and each fetches what came meanwhile.
//! - While the store is away, one probe at a time, after times that double up to a second. A random part keeps nodes that lost
//!   the store at one instant from asking at one instant when it is back.
//!
//! # For how many
//!
//! As many as it uses in half the life of a lease, at most twice as many as the last time, and at most half of what the store has
//! left, as far as it knows. But always as many as are being waited for, if the store has so many. So near the limit a node takes
//! one at a time: a permit that it strands is one that somebody else is refused.

use core::time::Duration;

use tollgate::Nanos;

use super::account::{Account, Fallback};
use super::reading::Reading;
use super::word::{Lease, TICK};

/// What a node does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Ask(Ask),
    /// Nothing before this instant, unless it is called.
    Wait(Nanos),
    /// Nothing before it is called.
    Idle,
}

/// A request: at least so many permits, at most so many. With 0 and 0 it only asks what is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ask {
    pub(crate) least: u32,
    pub(crate) most: u32,
    /// How many the node would use, whatever the store has.
    pub(crate) desired: u32,
    /// Read before the request was sent: the life of the lease begins here.
    pub(crate) asked: Reading,
}

/// What the store answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) granted: u32,
    /// How long after its decision the store's bucket is full again.
    pub(crate) full_in: Duration,
}

/// Those who wait: the permits of the first, and of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) first: u32,
    pub(crate) all: u64,
}

#[derive(Debug)]
pub(crate) struct Node {
    /// The jumps of the clock when it was read last.
    jumps: u64,
    /// The last request, and how many permits the last one that was granted desired.
    asked: Nanos,
    most: u32,
    /// The permits that are used in the life of a lease, in sixteenths.
    rate: u64,
    /// The permits that were here after the last answer.
    here: u32,
    /// How long a request takes, in nanoseconds.
    trip: u64,
    failures: u32,
    random: u64,
}

/// A rate is in parts of a permit.
const PART: u64 = 16;
/// A node that uses fewer in the life of a lease does not ask ahead of need.
const AHEAD: u64 = 6 * PART;
/// The first probe comes so long after a request failed.
const FIRST_PROBE: u64 = 50_000_000;
/// The last ones come so long after each other.
const LAST_PROBE: u64 = 1_000_000_000;

impl Node {
    /// `seed` makes the random parts of this node differ from those of others.
    pub(crate) fn new(seed: u64) -> Node {
        Node {
            jumps: 0,
            asked: Nanos::ZERO,
            most: 0,
            rate: 0,
            here: 0,
            trip: 0,
            failures: 0,
            random: seed | 1,
        }
    }

    pub(crate) fn step(&mut self, account: &Account, waiting: Waiting, now: Reading) -> Step {
        let board = &account.board;
        if now.jumps != self.jumps {
            // What was known in the clock's time before is worthless, and waiting for it could take too long.
            self.jumps = now.jumps;
            board.set_full_at(Nanos::ZERO);
            board.set_not_before(Nanos::ZERO);
        }
        if let Some(probe) = board.away() {
            let wants = waiting.first.max(board.wanted().1).min(account.terms.most);
            return if now.at >= probe { self.ask(wants, (wants, wants), now) } else { Step::Wait(probe) };
        }
        let (wanted, largest) = board.wanted();
        let wants = if waiting.first > 0 { waiting.first } else { largest };
        if wants > 0 {
            if waiting.first > 0 || account.held.largest(now) < wants {
                let ready = self.ready(account, wants);
                if now.at < ready && (waiting.first > 0 || self.rate >= AHEAD) {
                    return Step::Wait(ready);
                }
                if now.at < ready {
                    // Nobody waits, and whoever comes back may come much later.
                    board.forget_wanted();
                    return Step::Idle;
                }
                // Whoever waits has wanted before.
                let pending = if waiting.all > 0 { waiting.all } else { wanted.max(u64::from(wants)) };
                let demand = self.demand(account, pending, now);
                return self.ask(wants, demand, now);
            }
            board.forget_wanted();
        }
        self.ahead(account, now)
    }

    /// Whether to ask ahead of need.
    fn ahead(&mut self, account: &Account, now: Reading) -> Step {
        if self.rate < AHEAD {
            return Step::Idle;
        }
        let left = account.held.left(now);
        let lead = account.terms.life / 8 + 2 * self.trip;
        let due = match account.held.expires(now) {
            Some(expires) if left > account.board.low() => {
                Nanos::from_nanos(expires.as_nanos().saturating_sub(lead))
            }
            _ => now.at,
        };
        if now.at < due {
            return Step::Wait(due);
        }
        if account.held.permits() >= self.here {
            // Nothing was used. The next use calls.
            account.board.set_low(Some(left.saturating_sub(1)));
            return Step::Idle;
        }
        let ready = self.ready(account, 1);
        if now.at < ready {
            return Step::Wait(ready);
        }
        let demand = self.demand(account, 0, now);
        self.ask(1, demand, now)
    }

    /// When the store may have `n` permits. Each request is made in a tick of its own.
    fn ready(&self, account: &Account, n: u32) -> Nanos {
        let next_tick = Nanos::from_nanos(self.asked.as_nanos().saturating_add(TICK));
        let ready = account.terms.ready(account.board.full_at(), n).max(account.board.not_before());
        if self.asked == Nanos::ZERO { ready } else { ready.max(next_tick) }
    }

    /// How many permits to ask for, of which `pending` are waited for, and how many would be used.
    fn demand(&mut self, account: &Account, pending: u64, now: Reading) -> (u32, u32) {
        // The call that asks is the first of this time, or the last of the one before.
        let used = u64::from(self.here.saturating_sub(account.held.permits())) + pending.saturating_sub(1);
        let elapsed = now.at.as_nanos().saturating_sub(self.asked.as_nanos()).max(account.terms.life / 4);
        let recent =
            u128::from(used) * u128::from(PART) * u128::from(account.terms.life) / u128::from(elapsed);
        let recent = u64::try_from(recent).unwrap_or(u64::MAX).min(u64::from(u32::MAX) * PART);
        self.rate = if recent > self.rate { recent } else { u64::midpoint(self.rate, recent) };
        let there = u64::from(account.terms.there(account.board.full_at(), now.at));
        let limit = u64::from(account.terms.most);
        let desired =
            self.rate.div_ceil(2 * PART).min(2 * u64::from(self.most) + pending).max(pending).min(limit);
        let most = desired.min(there / 2).max(pending.min(there)).min(limit);
        let narrow = |permits| u32::try_from(permits).unwrap_or(Lease::MOST);
        (narrow(most), narrow(desired))
    }

    fn ask(&mut self, least: u32, (most, desired): (u32, u32), asked: Reading) -> Step {
        self.asked = asked.at;
        let most = most.max(least);
        Step::Ask(Ask { least, most, desired: desired.max(most), asked })
    }

    /// The store has answered at `now`, or has not.
    pub(crate) fn answered(&mut self, account: &Account, ask: Ask, reply: Option<Reply>, now: Reading) {
        account.counters.add_requests(1);
        account.board.forget_wanted();
        match reply {
            Some(reply) => self.granted(account, ask, reply, now),
            None => self.failed(account, now),
        }
    }

    fn granted(&mut self, account: &Account, ask: Ask, reply: Reply, now: Reading) {
        let board = &account.board;
        self.failures = 0;
        board.set_away(None);
        let took = now.at.as_nanos().saturating_sub(ask.asked.at.as_nanos());
        self.trip = if self.trip == 0 { took } else { self.trip - self.trip / 4 + took / 4 };
        board.set_trip(Nanos::from_nanos(self.trip));
        board.set_full_at(now.at.saturating_add(reply.full_in));
        if reply.granted > 0 {
            let lease = Lease::new(ask.asked, account.terms.usable, reply.granted);
            account.counters.add_leased(reply.granted);
            account.counters.add_lost(account.held.put(lease, now));
            if let Fallback::Share(share) = &account.fallback {
                share.charge(now.at, reply.granted);
            }
            self.most = ask.desired;
        }
        self.here = account.held.permits();
        let there = account.terms.there(board.full_at(), now.at);
        if reply.granted < ask.desired && there <= ask.desired / 2 {
            board
                .set_not_before(Nanos::from_nanos(ask.asked.at.as_nanos().saturating_add(account.terms.gap)));
        }
        board.set_low((self.rate >= AHEAD).then(|| self.low(account, reply.granted)));
    }

    /// What is used in the time of three requests, but at most half of the lease.
    fn low(&self, account: &Account, granted: u32) -> u32 {
        let used = u128::from(self.rate) * 3 * u128::from(self.trip)
            / (u128::from(PART) * u128::from(account.terms.life));
        u32::try_from(used).unwrap_or(u32::MAX).clamp(1, (granted / 2).max(1))
    }

    fn failed(&mut self, account: &Account, now: Reading) {
        account.counters.add_failures(1);
        self.failures = self.failures.saturating_add(1);
        (self.rate, self.most) = (0, 1);
        let after = (FIRST_PROBE << (self.failures - 1).min(5)).min(LAST_PROBE);
        let after = after / 2 + self.random_below(after);
        account.board.set_low(None);
        account.board.set_away(Some(now.at.saturating_add(Duration::from_nanos(after))));
    }

    /// Xorshift: no secret.
    fn random_below(&mut self, end: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        u64::try_from((u128::from(self.random) * u128::from(end)) >> 64).unwrap_or(0)
    }
}
