//! Which client draws refusals from which server?

mod client;
mod guards;
mod meeting;
mod server;

use std::time::Duration;

use tollgate::{BuildError, Policy, SlidingLog};

pub use client::{Client, Limiter};
pub use guards::{Fit, Guards, RUNS};
pub use meeting::{Network, Outcome, meet};
pub use server::Server;

use crate::traffic::Traffic;

/// Every client strategy against every kind of server, on one traffic.
#[derive(Debug)]
pub struct Matrix {
    /// What the servers enforce.
    pub policy: Policy,
    /// Each way of a call takes a random time up to this.
    pub jitter: Duration,
    /// What guarded clients add to every window.
    pub guard: Duration,
    /// How many calls are made.
    pub calls: u64,
    /// How long the calls take a client that knows how the server counts, without a delay: the exact log with itself.
    pub best: u64,
    /// One for each of [`Client::ALL`]: an outcome for each of [`Server::ALL`], or why there is none.
    pub rows: Vec<Vec<Result<Outcome, BuildError>>>,
}

/// A guard for delays from 0 to `jitter`: two calls arrive closer together than they were sent by at most the jitter. The
/// millisecond is for a server that counts both ends of a window, or in whole milliseconds.
fn enough(jitter: Duration) -> Duration {
    jitter.saturating_add(Duration::from_millis(1))
}

/// How long the calls take a client that knows how the server counts, without a delay: the exact log with itself.
fn best(policy: &Policy, traffic: &Traffic) -> Result<u64, BuildError> {
    let (log, exact) = (SlidingLog::new(*policy)?, Server::LogHalfOpen.enforce(*policy));
    let none = Network { jitter: 0, phase: 0, seed: 0 };
    Ok(meet(Some(&log), &*exact, None, &traffic.steps, none, u64::MAX).took)
}

impl Matrix {
    /// Lets all clients meet all servers. A server's clock stands at a time of its own, which the `seed` chooses, as it
    /// does the delays.
    ///
    /// Without a `guard` of the caller's choice it is the jitter and a millisecond, which is always enough.
    ///
    /// # Errors
    ///
    /// If the exact log cannot keep the policy.
    pub fn new(
        policy: Policy,
        traffic: &Traffic,
        jitter: Duration,
        guard: Option<Duration>,
        seed: u64,
    ) -> Result<Matrix, BuildError> {
        let best = best(&policy, traffic)?;
        let guard = guard.unwrap_or(enough(jitter));
        let rows = Client::ALL.into_iter().enumerate().map(|(row, client)| {
            let cells = Server::ALL.into_iter().enumerate().map(|(column, server)| {
                let limiter = client.limiter(policy, guard)?;
                let (server, fields) = (server.enforce(policy), server.fields(&policy));
                let seed =
                    seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (row * Server::ALL.len() + column) as u64;
                let network = Network::new(jitter, seed);
                Ok(meet(limiter.as_deref(), &*server, fields.as_ref(), &traffic.steps, network, u64::MAX))
            });
            cells.collect()
        });
        let calls = traffic.steps.len() as u64;
        Ok(Matrix { policy, jitter, guard, calls, best, rows: rows.collect() })
    }
}
