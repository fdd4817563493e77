//! A mutex around a sequential machine.

use core::fmt;

use parking_lot::Mutex;

use crate::algorithm::Algorithm;
use crate::decision::{Denied, Status};
use crate::nanos::Nanos;
use crate::quota::Policy;

/// A rate limiter for one thread at a time. It promises the same as an [`Algorithm`].
pub trait Machine: fmt::Debug + Send {
    /// The policy that is enforced.
    fn policy(&self) -> &Policy;

    /// Takes `n` permits at `now`, all or none.
    ///
    /// # Errors
    ///
    /// [`Denied`] says why, and from which instant a retry is granted.
    fn try_acquire_at(&mut self, now: Nanos, n: u32) -> Result<(), Denied>;

    /// What [`try_acquire_at`](Machine::try_acquire_at) would answer. Changes nothing.
    ///
    /// # Errors
    ///
    /// As `try_acquire_at`.
    fn peek_at(&self, now: Nanos, n: u32) -> Result<(), Denied>;

    /// What is left of each quota at `now`.
    fn status_at(&self, now: Nanos) -> Status;
}

/// A [`Machine`] behind a `parking_lot::Mutex`, which makes it an [`Algorithm`].
///
/// Every call takes the lock. So a thread that is stopped inside a decision stops all the others. This is the difference
/// from the lock-free algorithms; where no two threads meet, it is the only one.
///
/// ```
/// use tollgate::reference::{Locked, LogMachine};
/// use tollgate::{Algorithm, Nanos, Policy};
///
/// let log = Locked::new(LogMachine::new("2/1s".parse()?));
/// assert!(log.try_acquire_at(Nanos::ZERO, 2).is_ok());
/// let denied = log.try_acquire_at(Nanos::ZERO, 1).unwrap_err();
/// assert_eq!(denied.retry_at(), Some(Nanos::from_secs(1)));
/// # Ok::<(), tollgate::ParsePolicyError>(())
/// ```
#[derive(Debug)]
pub struct Locked<M> {
    policy: Policy,
    machine: Mutex<M>,
}

impl<M: Machine> Locked<M> {
    /// Puts a lock around `machine`.
    pub fn new(machine: M) -> Locked<M> {
        Locked { policy: *machine.policy(), machine: Mutex::new(machine) }
    }
}

impl<M: Machine> Algorithm for Locked<M> {
    #[inline]
    fn policy(&self) -> &Policy {
        &self.policy
    }

    #[inline]
    fn try_acquire_at(&self, now: Nanos, n: u32) -> Result<(), Denied> {
        self.machine.lock().try_acquire_at(now, n)
    }

    #[inline]
    fn peek_at(&self, now: Nanos, n: u32) -> Result<(), Denied> {
        self.machine.lock().peek_at(now, n)
    }

    #[inline]
    fn status_at(&self, now: Nanos) -> Status {
        self.machine.lock().status_at(now)
    }
}
