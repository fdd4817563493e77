//! The exact rule as a limiter, which writes down what it grants. It has no atomic steps of its own, so the model is about
//! the queue.

use std::sync::{Arc, Mutex};

use crate::algorithm::Algorithm;
use crate::decision::{Denied, Grant, QuotaStatus, Receipt, Reclaim, Status};
use crate::nanos::Nanos;
use crate::oracle::{Answer, ExactLog, Grid, Rule};
use crate::quota::Policy;

pub(crate) type Granted = Vec<(u64, u32)>;

#[derive(Clone, Debug)]
pub(crate) struct Recorded {
    policy: Policy,
    log: Arc<Mutex<(ExactLog, Granted)>>,
}

impl Recorded {
    /// `limit` in any `window` nanoseconds.
    pub(crate) fn new(limit: u32, window: u64) -> Recorded {
        let policy = format!("{limit}/{window}ns").parse().unwrap();
        let log = ExactLog::new(&[Rule { limit, window }], Grid::NANOSECONDS);
        Recorded { policy, log: Arc::new(Mutex::new((log, Vec::new()))) }
    }

    pub(crate) fn granted(&self) -> Granted {
        self.log.lock().unwrap().1.clone()
    }

    fn said(&self, answer: Answer, now: Nanos) -> Result<(), Denied> {
        let burst = self.policy.quotas()[0].limit();
        match answer {
            Answer::Granted => Ok(()),
            Answer::Denied { quota, retry_at } => {
                Err(Denied::new(now, quota, retry_at.map(Nanos::from_nanos), burst))
            }
            Answer::Never { .. } => Err(Denied::new(now, 0, None, burst)),
        }
    }
}

impl Algorithm for Recorded {
    fn policy(&self) -> &Policy {
        &self.policy
    }

    fn try_acquire_at(&self, now: Nanos, n: u32) -> Result<(), Denied> {
        let (log, granted) = &mut *self.log.lock().unwrap();
        let answer = self.said(log.call(now.as_nanos(), n), now);
        if answer.is_ok() {
            granted.push((now.as_nanos(), n));
        }
        answer
    }

    fn peek_at(&self, now: Nanos, n: u32) -> Result<(), Denied> {
        self.said(self.log.lock().unwrap().0.clone().call(now.as_nanos(), n), now)
    }

    fn try_grant_at(&self, now: Nanos, n: u32) -> Result<Grant<'_>, Denied> {
        self.try_acquire_at(now, n)?;
        Ok(Grant::new(self, 0, self.log.lock().unwrap().1.len() as u64))
    }

    fn undo_receipt(&self, receipt: Receipt) -> bool {
        receipt.undo_in(self)
    }

    fn status_at(&self, now: Nanos) -> Status {
        let left = self.log.lock().unwrap().0.left(now.as_nanos());
        Status::new(
            now,
            left.iter().map(|left| QuotaStatus {
                remaining: left.remaining,
                next_at: Nanos::MAX,
                reset_at: Nanos::MAX,
            }),
        )
    }
}

/// The state is how much was granted.
impl Reclaim for Recorded {
    fn reclaim(&self, _: u64, after: u64) -> bool {
        let (log, granted) = &mut *self.log.lock().unwrap();
        let latest = after == granted.len() as u64;
        if latest {
            let (_, n) = granted.pop().unwrap();
            log.stamps.truncate(log.stamps.len() - n as usize);
        }
        latest
    }
}
