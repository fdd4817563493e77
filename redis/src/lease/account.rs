//! What a node holds and knows, and how a call is decided from that: without I/O, without a clock, and without a lock.

use tollgate::{Denied, Nanos, QuotaStatus, Status};

use super::board::Board;
use super::counts::Counters;
use super::reading::Reading;
use super::refused::Refused;
use super::share::Share;
use super::terms::{Leases, LeasesError, Terms, WhenAway};
use super::word::Held;

#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) held: Held,
    pub(crate) board: Board,
    pub(crate) terms: Terms,
    pub(crate) fallback: Fallback,
    pub(crate) counters: Counters,
}

/// What happens while the store is away.
#[derive(Debug)]
pub(crate) enum Fallback {
    Refuse,
    Allow,
    Share(Share),
}

impl Account {
    pub(crate) fn new(leases: &Leases, unseen: core::time::Duration) -> Result<Account, LeasesError> {
        let fallback = match (leases.when_away(), leases.share()?) {
            (_, Some(plan)) => Fallback::Share(Share::new(&plan)),
            (WhenAway::Allow, None) => Fallback::Allow,
            (_, None) => Fallback::Refuse,
        };
        Ok(Account {
            held: Held::none(),
            board: Board::default(),
            terms: Terms::new(leases, unseen)?,
            fallback,
            counters: Counters::default(),
        })
    }

    /// Takes `n` permits that are here, or says why not. `call` calls the node's task.
    #[inline]
    pub(crate) fn take(&self, now: Reading, n: u32, call: impl Fn()) -> Result<(), Refused> {
        if self.board.queued() == 0
            && n != 0
            && let Some(taken) = self.held.take(now, n)
        {
            if self.board.crosses_low(taken.left + n, taken.left) {
                call();
            }
            return Ok(());
        }
        self.without_lease(now, n, call)
    }

    #[cold]
    #[inline(never)]
    fn without_lease(&self, now: Reading, n: u32, call: impl Fn()) -> Result<(), Refused> {
        if n == 0 {
            return Ok(());
        }
        if let Some(never) = self.never(now, n) {
            return Err(never);
        }
        if let Some(until) = self.board.away() {
            return self.while_away(now, n, until);
        }
        let ready = self.ready(now.at, self.board.queued() + u64::from(n));
        if ready > now.at {
            if self.board.want(n, false) {
                call();
            }
            // The time of a request is added: a busy node asks as soon as they are there, and has them then.
            let here = Nanos::from_nanos(ready.as_nanos().saturating_add(self.board.trip().as_nanos()));
            return Err(self.denied(now, here));
        }
        if self.board.want(n, true) {
            call();
        }
        Err(Refused::Asked)
    }

    /// The refusal of a call that asks for more than one call is ever granted.
    pub(crate) fn never(&self, now: Reading, n: u32) -> Option<Refused> {
        let most = self.terms.most;
        (n > most).then(|| Refused::Denied(Denied::new(now.at, self.terms.quota, None, most).by_pace()))
    }

    pub(crate) fn denied(&self, now: Reading, retry_at: Nanos) -> Refused {
        Refused::Denied(Denied::new(now.at, self.terms.quota, Some(retry_at), self.terms.most).by_pace())
    }

    /// The earliest instant at which the store has so many permits, and this node asks for them.
    pub(crate) fn ready(&self, now: Nanos, permits: u64) -> Nanos {
        self.terms.all_ready(self.board.full_at(), now, permits).max(self.board.not_before())
    }

    /// The answer to a caller who does not wait, while the store is away until `until` at least.
    fn while_away(&self, now: Reading, n: u32, until: Nanos) -> Result<(), Refused> {
        match &self.fallback {
            Fallback::Refuse => Err(Account::away(until)),
            Fallback::Allow => {
                self.counters.add_allowed(n);
                Ok(())
            }
            Fallback::Share(share) => {
                let permits = self.board.queued() + u64::from(n);
                if permits > u64::from(n) {
                    return Err(self.denied(now, share.ready(now.at, permits)));
                }
                self.take_share(share, now, n).map_err(|ready| match ready {
                    Some(ready) => self.denied(now, ready),
                    None => self.never_of_share(share, now),
                })
            }
        }
    }

    /// Takes `n` permits of this node's share. An error tells when they are there, or `None` for never.
    pub(crate) fn take_share(&self, share: &Share, now: Reading, n: u32) -> Result<(), Option<Nanos>> {
        if n > share.burst() {
            return Err(None);
        }
        share.take(now.at, n).map_err(Some)?;
        self.counters.add_shared(n);
        Ok(())
    }

    /// The refusal of a call that asks for more than this node's share ever grants to one call.
    pub(crate) fn never_of_share(&self, share: &Share, now: Reading) -> Refused {
        Refused::Denied(Denied::new(now.at, self.terms.quota, None, share.burst()).by_pace())
    }

    pub(crate) fn away(until: Nanos) -> Refused {
        Refused::Away { retry_at: Some(until).filter(|&until| until < Nanos::MAX) }
    }

    /// What this node knows of the store's bucket, and what it has left itself.
    pub(crate) fn status(&self, now: Reading) -> Status {
        let full_at = self.board.full_at();
        let here = self.held.left(now);
        let remaining = here.max(self.terms.there(full_at, now.at));
        let next_at = if here > 0 { now.at } else { self.ready(now.at, 1).max(now.at) };
        Status::joint(now.at, QuotaStatus { remaining, next_at, reset_at: full_at.max(now.at) })
    }
}
