//! How permits are leased: what a user chooses, and the numbers that follow.

use core::fmt;
use core::num::NonZeroU32;
use core::time::Duration;

use tollgate::{BuildError, Nanos, Plan, Policy, Quota};

use super::word::{Lease, TICK};

/// How a [`LeasedLimiter`](crate::LeasedLimiter) leases permits: the policy, the life of a lease, and what happens while the store is
/// away.
///
/// ```
/// use core::time::Duration;
/// use tollgate::Policy;
/// use tollgate_redis::{Leases, WhenAway};
///
/// let leases = Leases::new(Policy::MICROSOFT_365_DEFENDER, WhenAway::Refuse)?.with_life(Duration::from_millis(500))?;
/// assert_eq!(leases.plan().policy().guard(), Duration::from_millis(500)); // what leases cost: 0.8 % of the minute
/// assert_eq!(leases.plan().burst(), 26);
/// # Ok::<(), tollgate_redis::LeasesError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Leases {
    policy: Policy,
    plan: Plan,
    /// The burst that was chosen.
    burst: Option<u32>,
    life: Duration,
    timeout: Duration,
    when_away: WhenAway,
}

/// What a node does while the store is away and its leases are used up. There is no default: each choice gives something up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WhenAway {
    /// Every call is refused, with [`Refused::Away`](crate::Refused::Away). The limit holds, and nothing goes on.
    Refuse,
    /// Every call is granted. **There is no limit then.** [`Counts::allowed`](crate::Counts::allowed) tells how many permits were
    /// granted in this way, and [`is_away`](crate::LeasedLimiter::is_away) that it happens.
    Allow,
    /// Each of so many nodes keeps a share of its own: the limit of every quota divided by `nodes`, rounded down.
    ///
    /// While all nodes are cut off, no window holds more than the limit, from the life of a lease after the store went away on. A
    /// window that begins earlier, or ends after the store came back, may hold up to twice the limit: what the store had
    /// granted, and the shares. A node that used its share before starts with an empty bucket, so evenly loaded nodes stay
    /// far below that. **While only some nodes are cut off**, the others still have the whole limit, and each that is cut off
    /// adds its share to it.
    Share {
        /// How many nodes there are at most. If there are more, they grant more than the limit together.
        nodes: NonZeroU32,
    },
}

/// Why [`Leases`] are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LeasesError {
    /// No plan keeps the policy, or not with the life of a lease as its guard.
    Build(BuildError),
    /// A lease must live for at least 10 ms and at most an hour.
    Life {
        /// The life that was asked for.
        life: Duration,
    },
    /// A request must be given up after at least 1 ms, and before the lease that it asks for has lived half its life.
    Timeout {
        /// The time-out that was asked for.
        timeout: Duration,
        /// The longest that is allowed.
        max: Duration,
    },
    /// A share of a limit for so many nodes is less than one permit.
    NoShare {
        /// The quota, counted from 0.
        quota: usize,
        /// Its limit, which is less than the number of nodes.
        limit: u32,
    },
    /// The clock can stand still unseen for longer than a lease lives.
    Clock {
        /// What the clock says of itself.
        unseen: Duration,
    },
    /// The limiter was made outside of a tokio runtime.
    NoRuntime,
}

impl Leases {
    /// The shortest life of a lease.
    pub const SHORTEST: Duration = Duration::from_millis(10);
    /// The longest life of a lease.
    pub const LONGEST: Duration = Duration::from_secs(3600);

    /// Leases under `policy`. A lease lives for a 64th of the shortest window, but at least 100 ms and at most 1 s. A request
    /// that is not answered within 50 ms is given up.
    ///
    /// # Errors
    ///
    /// As [`with_life`](Leases::with_life), and [`LeasesError::NoShare`].
    pub fn new(policy: Policy, when_away: WhenAway) -> Result<Leases, LeasesError> {
        let shortest = policy.quotas().iter().map(Quota::window).min().unwrap_or(Leases::SHORTEST);
        let life = (shortest / 64).clamp(Duration::from_millis(100), Duration::from_secs(1));
        let plan = planned(&policy, life, None)?;
        let leases =
            Leases { policy, plan, burst: None, life, timeout: Duration::from_millis(50), when_away };
        leases.share()?;
        Ok(leases)
    }

    /// Leases that live for `life`. A long life means fewer round trips. It costs `life / (window + life)` of every quota's
    /// rate, because the store keeps the policy with a [guard](Policy::with_guard) of `life`, and permits that a node
    /// leased and did not use are lost for so long. All nodes must agree on it.
    ///
    /// # Errors
    ///
    /// [`LeasesError::Life`], [`LeasesError::Timeout`] if the time-out is too long for it, or [`LeasesError::Build`].
    pub fn with_life(self, life: Duration) -> Result<Leases, LeasesError> {
        if life < Leases::SHORTEST || life > Leases::LONGEST {
            return Err(LeasesError::Life { life });
        }
        let plan = planned(&self.policy, life, self.burst)?;
        let timeout = self.timeout.min(life / 2);
        Ok(Leases { plan, life, timeout, ..self })
    }

    /// The same leases by a plan with a burst of `burst`. No lease is larger than the burst. All nodes must agree on it.
    ///
    /// # Errors
    ///
    /// [`LeasesError::Build`].
    pub fn with_burst(self, burst: u32) -> Result<Leases, LeasesError> {
        let plan = planned(&self.policy, self.life, Some(burst))?;
        Ok(Leases { plan, burst: Some(burst), ..self })
    }

    /// A request that is not answered within `timeout` is given up, and the store is taken to be away.
    ///
    /// # Errors
    ///
    /// [`LeasesError::Timeout`].
    pub fn with_timeout(self, timeout: Duration) -> Result<Leases, LeasesError> {
        let max = self.life / 2;
        if timeout < Duration::from_millis(1) || timeout > max {
            return Err(LeasesError::Timeout { timeout, max });
        }
        Ok(Leases { timeout, ..self })
    }

    /// The plan that the store keeps: that of the policy with the life of a lease as a guard.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The policy that is kept.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// How long a lease lives.
    pub fn life(&self) -> Duration {
        self.life
    }

    /// What happens while the store is away.
    pub fn when_away(&self) -> WhenAway {
        self.when_away
    }

    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The plan of one node's share, if there is one.
    pub(crate) fn share(&self) -> Result<Option<Plan>, LeasesError> {
        let WhenAway::Share { nodes } = self.when_away else { return Ok(None) };
        let mut quotas = Vec::with_capacity(Policy::MAX_QUOTAS);
        for (i, quota) in self.policy.quotas().iter().enumerate() {
            let limit = quota.limit() / nodes;
            if limit == 0 {
                return Err(LeasesError::NoShare { quota: i, limit: quota.limit() });
            }
            quotas.push(Quota::new(limit, quota.window()));
        }
        // Whoever waited for a permit of the share may take it as late as one of a lease.
        let policy = Policy::new(&quotas).and_then(|policy| policy.with_guard(self.plan.policy().guard()));
        Ok(Some(Plan::new(policy.map_err(BuildError::from)?)?))
    }
}

/// The plan of `policy` with `life` as a guard.
fn planned(policy: &Policy, life: Duration, burst: Option<u32>) -> Result<Plan, BuildError> {
    let policy = policy.with_guard(policy.guard().saturating_add(life))?;
    burst.map_or_else(|| Plan::new(policy), |burst| Plan::with_burst(policy, burst))
}

/// The numbers of a node, in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    /// The most permits that one call can be granted, and one lease can hold.
    pub(crate) most: u32,
    pub(crate) quota: usize,
    bucket: Bucket,
    pub(crate) life: u64,
    /// How long after it was asked for a lease may be used.
    pub(crate) usable: u64,
    /// How long a node waits, after the store had less than it wanted, before it asks again.
    pub(crate) gap: u64,
}

impl Terms {
    /// The clock of the node may be slower than that of the store by one part in so many.
    const SLOWER: u64 = 512;

    pub(crate) fn new(leases: &Leases, unseen: Duration) -> Result<Terms, LeasesError> {
        let bucket = Bucket::new(&leases.plan);
        let life = nanos(leases.life);
        let usable = (life - life.div_ceil(Terms::SLOWER))
            .checked_sub(nanos(unseen))
            .filter(|&usable| usable > 4 * TICK)
            .ok_or(LeasesError::Clock { unseen })?;
        // While a node waits, the bucket must not become full from half.
        let half = (bucket.interval.saturating_mul(u64::from(bucket.burst)) / 2).max(TICK);
        Ok(Terms {
            most: bucket.burst.min(Lease::MOST),
            quota: leases.plan.binding(),
            bucket,
            life,
            usable,
            gap: (life / 8).min(half),
        })
    }

    /// When a bucket that is full at `full_at` has `n` permits.
    pub(crate) fn ready(&self, full_at: Nanos, n: u32) -> Nanos {
        self.bucket.ready(full_at, u64::from(n))
    }

    /// As [`ready`](Terms::ready), for several calls that together may be above the burst.
    pub(crate) fn all_ready(&self, full_at: Nanos, now: Nanos, permits: u64) -> Nanos {
        let burst = u64::from(self.bucket.burst);
        let full = if permits > burst { full_at.max(now) } else { full_at };
        self.bucket.ready(full, permits)
    }

    /// The permits in a bucket that is full at `full_at`.
    pub(crate) fn there(&self, full_at: Nanos, now: Nanos) -> u32 {
        let used = full_at.as_nanos().saturating_sub(now.as_nanos()).div_ceil(self.bucket.interval);
        self.bucket.burst.saturating_sub(u32::try_from(used).unwrap_or(u32::MAX))
    }
}

/// A strict bucket: its burst, and its interval in whole nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bucket {
    pub(crate) burst: u32,
    pub(crate) interval: u64,
}

impl Bucket {
    pub(crate) fn new(plan: &Plan) -> Bucket {
        Bucket { burst: plan.burst(), interval: nanos(plan.interval()).max(1) }
    }

    pub(crate) fn ready(self, full_at: Nanos, permits: u64) -> Nanos {
        let full_at = full_at.as_nanos();
        let burst = u64::from(self.burst);
        Nanos::from_nanos(if permits <= burst {
            full_at.saturating_sub((burst - permits).saturating_mul(self.interval))
        } else {
            full_at.saturating_add((permits - burst).saturating_mul(self.interval))
        })
    }
}

pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

impl fmt::Display for LeasesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LeasesError::Build(error) => error.fmt(f),
            LeasesError::Life { life } => write!(
                f,
                "a lease that lives for {life:?} is not possible: the life of a lease is between {:?} and {:?}",
                Leases::SHORTEST,
                Leases::LONGEST
            ),
            LeasesError::Timeout { timeout, max } => write!(
                f,
                "a time-out of {timeout:?} is not possible: it is at least 1ms and at most {max:?}, which is half the life \
                 of a lease"
            ),
            LeasesError::NoShare { quota, limit } => write!(
                f,
                "quota {quota} (counted from 0) has a limit of {limit}, and a share of it for so many nodes is less than one \
                 permit"
            ),
            LeasesError::Clock { unseen } => write!(
                f,
                "the clock can stand still unseen for {unseen:?}, so that nothing is left of the life of a lease"
            ),
            LeasesError::NoRuntime => f.write_str(
                "a limiter that leases permits must be made inside of a tokio runtime, in which its task can run",
            ),
        }
    }
}

impl core::error::Error for LeasesError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            LeasesError::Build(error) => error.source(),
            _ => None,
        }
    }
}

impl From<BuildError> for LeasesError {
    fn from(error: BuildError) -> LeasesError {
        LeasesError::Build(error)
    }
}
