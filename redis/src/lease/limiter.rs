//! The handle that users hold.

use core::fmt;
use core::time::Duration;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tollgate::{Nanos, Status};

use super::account::{Account, Fallback};
use super::central::Keyed;
use super::counts::Counts;
use super::drive::{Central, drive};
use super::node::Node;
use super::queue::{Handed, Queue, Ticket};
use super::reading::{NodeTime, Reading};
use super::refused::Refused;
use super::terms::{Leases, LeasesError};
use super::time::NodeClock;
use crate::{Store, StoreError};

/// One rate limit for many machines, decided in this process from permits that it has leased from the store.
///
/// The store keeps the policy with the life of a lease as a [guard](tollgate::Policy::with_guard). A node asks it for several permits
/// at once, and uses them within that life, counted from before it asked. So a permit that is used at `u` was charged within
/// `[u - life, u]`, and the permits that are used in any window were charged within the window and the life of a lease: never more than the
/// limit. This holds for any number of nodes, and also if they crash, are cut off, or lose answers. What is lost then is
/// permits.
///
/// A call that finds its permits here costs a reading of the clock and one compare-and-swap. A call that is refused costs no round trip
/// either, before the instant that its refusal tells.
///
/// ```no_run
/// use tollgate::Policy;
/// use tollgate_redis::{LeasedLimiter, Leases, RedisStore, Refused, WhenAway};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let client = redis::Client::open("redis://127.0.0.1/")?;
/// let store = RedisStore::new(client.get_multiplexed_async_connection().await?);
/// let leases = Leases::new(Policy::MICROSOFT_365_DEFENDER, WhenAway::Refuse)?;
/// let limiter = LeasedLimiter::new(store, "defender", leases)?;
///
/// limiter.acquire().await?; // waits for its turn
/// match limiter.decide(1).await {
///     Ok(()) => { /* make the call */ }
///     Err(Refused::Denied(denied)) => println!("429, Retry-After: {:?}", denied.retry_after_secs()),
///     Err(error) => println!("503: {error}"),
/// }
/// # Ok(())
/// # }
/// ```
///
/// # What is assumed
///
/// - The store's clock does not jump forward, and the store does not forget what it granted. What happens otherwise is what
///   happens to [`RedisLimiter`](crate::RedisLimiter).
/// - The clock of a node is not slower than that of the store by more than one part in 512, and it notices when the machine was
///   suspended: see [`NodeClock`].
/// - A caller makes its call when it is granted. A permit that is held needs a guard of its own.
///
/// # Where it runs
///
/// One task in the tokio runtime in which the limiter was made. The task ends with the last handle. If the runtime ends before, the
/// store is away for good: the limiter does what [`WhenAway`](crate::WhenAway) says.
pub struct LeasedLimiter<T: NodeTime = NodeClock> {
    shared: Arc<Shared<T>>,
    task: Arc<Task>,
}

/// Ends the task with the last handle.
#[derive(Debug)]
struct Task(AbortHandle);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What callers and the task share.
#[derive(Debug)]
pub(crate) struct Shared<T> {
    pub(crate) account: Account,
    pub(crate) time: T,
    pub(crate) called: Notify,
    pub(crate) leases: Leases,
    queue: Mutex<Queue>,
    last_error: Mutex<Option<StoreError>>,
}

impl<T> Shared<T> {
    pub(crate) fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the error of the last request, or none.
    pub(crate) fn note(&self, error: Option<StoreError>) {
        *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = error;
    }

    /// The task has ended: nobody asks the store any more.
    pub(crate) fn close(&self) {
        self.account.board.set_away(Some(Nanos::MAX));
        let waiters = {
            let mut queue = self.queue();
            let waiters = queue.close();
            self.account.board.set_queued(0);
            waiters
        };
        drop(waiters); // This wakes them, without the lock.
    }
}

impl LeasedLimiter {
    /// A limiter of the bucket `key` in `store`. All nodes that share a limit name the same key, policy, life and burst. The key is
    /// used as it is, without a prefix.
    ///
    /// # Errors
    ///
    /// [`LeasesError::NoRuntime`] outside of a tokio runtime.
    pub fn new<S: Store + 'static>(
        store: S,
        key: impl Into<Vec<u8>>,
        leases: Leases,
    ) -> Result<LeasedLimiter, LeasesError> {
        LeasedLimiter::with_time(store, key, leases, NodeClock::new(leases.life() / 128))
    }
}

impl<T: NodeTime> LeasedLimiter<T> {
    /// As [`new`](LeasedLimiter::new), on a clock of your own. It must go as tokio's timer does.
    ///
    /// # Errors
    ///
    /// As `new`, and [`LeasesError::Clock`].
    pub fn with_time<S: Store + 'static>(
        store: S,
        key: impl Into<Vec<u8>>,
        leases: Leases,
        time: T,
    ) -> Result<LeasedLimiter<T>, LeasesError> {
        LeasedLimiter::of(Keyed::new(store, key.into(), &leases)?, &leases, time)
    }

    pub(crate) fn of(store: impl Central, leases: &Leases, time: T) -> Result<LeasedLimiter<T>, LeasesError> {
        let runtime = Handle::try_current().map_err(|_| LeasesError::NoRuntime)?;
        let shared = Arc::new(Shared {
            account: Account::new(leases, time.max_unseen())?,
            time,
            called: Notify::new(),
            leases: *leases,
            queue: Mutex::default(),
            last_error: Mutex::default(),
        });
        // Each `RandomState` has keys of its own.
        let node = Node::new(RandomState::new().build_hasher().finish());
        let task = runtime.spawn(drive(Arc::clone(&shared), store, node));
        Ok(LeasedLimiter { shared, task: Arc::new(Task(task.abort_handle())) })
    }

    /// Takes one permit that is here, without I/O.
    ///
    /// # Errors
    ///
    /// As [`try_acquire_n`](LeasedLimiter::try_acquire_n).
    #[inline]
    pub fn try_acquire(&self) -> Result<(), Refused> {
        self.try_acquire_n(1)
    }

    /// Takes `n` permits that are here, all or none, without I/O. It does not overtake those who wait.
    ///
    /// # Errors
    ///
    /// [`Refused::Denied`], [`Refused::Away`], or [`Refused::Asked`] if the permits are not here and it is not known whether the store has
    /// them.
    #[inline]
    pub fn try_acquire_n(&self, n: u32) -> Result<(), Refused> {
        self.take(self.shared.time.read(), n)
    }

    #[inline]
    fn take(&self, now: Reading, n: u32) -> Result<(), Refused> {
        let shared = &*self.shared;
        shared.account.take(now, n, || shared.called.notify_one())
    }

    /// Takes `n` permits now, all or none. If they are not here and nothing is known of the store, it waits for the store's answer:
    /// for a round trip, or the time-out.
    ///
    /// # Errors
    ///
    /// [`Refused::Denied`] or [`Refused::Away`].
    pub async fn decide(&self, n: u32) -> Result<(), Refused> {
        let now = self.shared.time.read();
        match self.take(now, n) {
            Err(Refused::Asked) => self.wait(now, n, now.at).await,
            decided => decided,
        }
    }

    /// Waits for a permit, in order of arrival on this node.
    ///
    /// # Errors
    ///
    /// As [`acquire_n`](LeasedLimiter::acquire_n).
    pub async fn acquire(&self) -> Result<(), Refused> {
        self.acquire_n(1).await
    }

    /// Waits for `n` permits, all or none, in order of arrival on this node. It does not poll: the node's task sleeps until the instant
    /// that the store told.
    ///
    /// The future may be dropped at any time. Nothing is charged, unless it was handed its permits at that very moment: then they are
    /// used up. The permits are good for the life of a lease after that. If the future is polled later, it takes its old
    /// place in the queue again.
    ///
    /// # Errors
    ///
    /// [`Refused::Denied`] if no call is ever granted so many permits, [`Refused::Away`].
    pub async fn acquire_n(&self, n: u32) -> Result<(), Refused> {
        self.queued(n, Nanos::MAX).await
    }

    /// As [`acquire_n`](LeasedLimiter::acquire_n), but no longer than `timeout`. If the permits cannot be there in time, as far as this node
    /// knows, it says so at once.
    ///
    /// # Errors
    ///
    /// [`Refused::Denied`], [`Refused::Away`].
    pub async fn acquire_within(&self, n: u32, timeout: Duration) -> Result<(), Refused> {
        let deadline = self.shared.time.read().at.saturating_add(timeout);
        self.queued(n, deadline).await
    }

    async fn queued(&self, n: u32, deadline: Nanos) -> Result<(), Refused> {
        let now = self.shared.time.read();
        match self.take(now, n) {
            Err(Refused::Denied(denied)) => match denied.retry_at() {
                Some(at) if at <= deadline => self.wait(now, n, deadline).await,
                _ => Err(Refused::Denied(denied)),
            },
            Err(Refused::Asked) => self.wait(now, n, deadline).await,
            decided => decided,
        }
    }

    async fn wait(&self, now: Reading, n: u32, deadline: Nanos) -> Result<(), Refused> {
        let shared = &*self.shared;
        let mut place = Place { shared, ticket: None };
        let mut now = now;
        loop {
            let Some(mut receiver) = place.join(n, deadline) else {
                return self.take(now, n); // By what is left here, and then as while the store is away.
            };
            // Who only waits for an answer is told by the task in any case.
            let handed = if deadline == Nanos::MAX || deadline <= now.at {
                (&mut receiver).await.ok()
            } else {
                let after = deadline.saturating_duration_since(now.at);
                match tokio::time::timeout(after, &mut receiver).await {
                    Ok(handed) => handed.ok(),
                    Err(_) => Some(receiver.try_recv().unwrap_or_else(|_| Handed::Refused(place.late(n)))),
                }
            };
            now = shared.time.read();
            match handed {
                Some(Handed::Permits { until, jumps }) if jumps == now.jumps && now.at < until => {
                    return Ok(());
                }
                Some(Handed::Permits { .. }) => {} // It came too late for them.
                Some(Handed::Refused(refused)) => return Err(refused),
                None => return self.take(now, n),
            }
        }
    }

    /// What is left, as far as this node knows: the more of what it holds and of what the store had at the last request.
    pub fn status(&self) -> Status {
        self.shared.account.status(self.shared.time.read())
    }

    /// Whether the last request to the store failed. The node asks it again by itself.
    pub fn is_away(&self) -> bool {
        self.shared.account.board.away().is_some()
    }

    /// Why the last request failed; `None` if it did not.
    pub fn last_error(&self) -> Option<StoreError> {
        self.shared.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What this node did so far.
    pub fn counts(&self) -> Counts {
        self.shared.account.counters.read()
    }

    /// How many calls wait on this node.
    pub fn waiting(&self) -> usize {
        self.shared.queue().len()
    }

    /// The address of the state that all clones share.
    #[cfg(feature = "tower")]
    pub(crate) fn address(&self) -> usize {
        Arc::as_ptr(&self.shared).addr()
    }

    /// How it leases.
    pub fn leases(&self) -> &Leases {
        &self.shared.leases
    }
}

#[cfg(test)]
impl<T: NodeTime> LeasedLimiter<T> {
    pub(crate) fn task_count(&self) -> usize {
        Arc::strong_count(&self.shared)
    }

    pub(crate) fn weak(&self) -> std::sync::Weak<Shared<T>> {
        Arc::downgrade(&self.shared)
    }
}

/// The place of one waiter. It leaves the queue when this is dropped.
struct Place<'a, T: NodeTime> {
    shared: &'a Shared<T>,
    ticket: Option<Ticket>,
}

impl<T: NodeTime> Place<'_, T> {
    fn join(&mut self, n: u32, deadline: Nanos) -> Option<tokio::sync::oneshot::Receiver<Handed>> {
        let receiver = {
            let mut queue = self.shared.queue();
            let (ticket, receiver) = queue.join(self.ticket, n, deadline)?;
            self.ticket = Some(ticket);
            self.shared.account.board.set_queued(queue.permits());
            receiver
        };
        self.shared.called.notify_one();
        Some(receiver)
    }

    /// The refusal of a waiter whose deadline has passed.
    fn late(&self, n: u32) -> Refused {
        let account = &self.shared.account;
        let now = self.shared.time.read();
        let ready = match (account.board.away(), &account.fallback) {
            (Some(_), Fallback::Share(share)) => share.ready(now.at, u64::from(n)),
            _ => account.ready(now.at, u64::from(n)),
        };
        account.denied(now, ready.max(Nanos::from_nanos(now.at.as_nanos().saturating_add(1))))
    }
}

impl<T: NodeTime> Drop for Place<'_, T> {
    fn drop(&mut self) {
        let Some(ticket) = self.ticket else { return };
        let waited = {
            let mut queue = self.shared.queue();
            let waited = queue.leave(ticket);
            self.shared.account.board.set_queued(queue.permits());
            waited
        };
        // Whoever was served leaves nothing to do.
        if waited {
            self.shared.called.notify_one();
        }
    }
}

impl<T: NodeTime> Clone for LeasedLimiter<T> {
    fn clone(&self) -> Self {
        LeasedLimiter { shared: Arc::clone(&self.shared), task: Arc::clone(&self.task) }
    }
}

impl<T: NodeTime> fmt::Debug for LeasedLimiter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LeasedLimiter")
            .field("policy", self.leases().policy())
            .field("is_away", &self.is_away())
            .field("counts", &self.counts())
            .finish_non_exhaustive()
    }
}
