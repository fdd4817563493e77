//! How is a policy kept by one bucket, and what does it cost?

mod pacing;

use tollgate::{BuildError, ClThrottle, Plan, Policy};

pub use pacing::Pacing;

/// The strict plan of a policy, and what can be chosen instead.
#[derive(Debug)]
pub struct Planned {
    /// The plan, which holds the policy.
    pub plan: Plan,
    /// The same bucket in Redis, if redis-cell can keep it.
    pub cl_throttle: Option<ClThrottle>,
    /// How a caller fares who always has one more call to make.
    pub pacing: Vec<Pacing>,
}

impl Planned {
    /// Plans for `policy`, with the burst of `burst` permits if one is given.
    ///
    /// # Errors
    ///
    /// As [`Plan::new`] and [`Plan::with_burst`].
    pub fn new(policy: Policy, burst: Option<u32>) -> Result<Planned, BuildError> {
        let plan = match burst {
            Some(burst) => Plan::with_burst(policy, burst)?,
            None => Plan::new(policy)?,
        };
        Ok(Planned { plan, cl_throttle: ClThrottle::new(&plan), pacing: pacing::choices(&policy) })
    }
}
