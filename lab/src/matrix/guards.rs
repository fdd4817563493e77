//! Which limiter, and which guard, should a client have for a server's rule?

use std::time::Duration;

use tollgate::{BuildError, Policy, Quota};

use super::client::Limiter;
use super::meeting::{Network, meet};
use super::server::Server;
use super::{best, enough};
use crate::traffic::Traffic;

/// For each limiter and each kind of server, the smallest guard that was enough.
#[derive(Debug)]
pub struct Guards {
    /// What the servers enforce.
    pub policy: Policy,
    /// Each way of a call takes a random time up to this.
    pub jitter: Duration,
    /// How many calls are made.
    pub calls: u64,
    /// How long the calls take a client that knows how the server counts, without a delay.
    pub best: u64,
    /// The guards that were tried, the smallest first.
    pub tried: Vec<Duration>,
    /// The guard that is always enough, for a limiter that keeps the rule and a server that grants it: the jitter and a
    /// millisecond.
    pub safe: Duration,
    /// One for each of [`Limiter::ALL`]: what was found for each of [`Server::ALL`], or why the limiter cannot be built.
    pub rows: Vec<Result<Vec<Option<Fit>>, BuildError>>,
    /// The fastest limiter that keeps the rule, with the safe guard, and the longest that the calls took with any server
    /// that grants the rule. `None` if no such limiter can be built.
    pub advice: Option<(Limiter, u64)>,
}

/// A guard with which no call was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fit {
    /// The smallest one from which on every guard that was tried was enough.
    pub guard: Duration,
    /// From the first call until the last one was granted, in nanoseconds: the longest of all runs.
    pub took: u64,
    /// The longest time from a call's arrival until it was granted, in nanoseconds, in all runs.
    pub longest_wait: u64,
}

/// Each limiter meets each server so often with each guard, with other delays and another server's clock each time.
pub const RUNS: u64 = 3;

impl Guards {
    /// Tries guards for a client that sends `traffic` to a server that enforces `policy`.
    ///
    /// A guard is tried in [`RUNS`] runs. The delays, and where the server's clock stands, come from `seed`.
    ///
    /// # Errors
    ///
    /// If the exact log cannot keep the policy.
    pub fn new(policy: Policy, traffic: &Traffic, jitter: Duration, seed: u64) -> Result<Guards, BuildError> {
        let best = best(&policy, traffic)?;
        let (tried, safe) = (ladder(&policy, jitter), enough(jitter));
        let trial = Trial { policy, traffic, jitter, seed };
        let rows: Vec<_> = Limiter::ALL.into_iter().map(|limiter| trial.row(limiter, &tried)).collect();
        let keeping = Limiter::ALL.into_iter().filter(|limiter| limiter.keeps_the_rule());
        let advice = keeping.filter_map(|limiter| Some((limiter, trial.slowest(limiter, safe)?)));
        let advice = advice.min_by_key(|&(_, took)| took);
        let calls = traffic.steps.len() as u64;
        Ok(Guards { policy, jitter, calls, best, tried, safe, rows, advice })
    }

    /// For a client that knows the server: the limiter with which its calls take least, of equals the one with the
    /// smallest guard.
    pub fn fastest(&self, server: Server) -> Option<(Limiter, Fit)> {
        let column = Server::ALL.iter().position(|&it| it == server)?;
        let fits = Limiter::ALL.into_iter().zip(&self.rows).filter_map(|(limiter, row)| {
            let fit = (*row.as_ref().ok()?.get(column)?)?;
            Some((limiter, fit))
        });
        fits.min_by_key(|(_, fit)| (fit.took, fit.guard))
    }
}

/// The guards to try: parts of the jitter, the safe guard, and parts of the shortest window, for limiters that let more
/// through than the rule allows.
fn ladder(policy: &Policy, jitter: Duration) -> Vec<Duration> {
    let window = policy.quotas().iter().map(Quota::window).min().unwrap_or_default();
    let mut tried = vec![Duration::ZERO, enough(jitter)];
    tried.extend([1, 2, 3, 4].map(|quarters| jitter / 4 * quarters));
    tried.extend([20, 4, 2, 1].map(|part| window / part));
    tried.retain(|guard| *guard <= window.max(enough(jitter)));
    tried.sort_unstable();
    tried.dedup();
    tried
}

struct Trial<'a> {
    policy: Policy,
    traffic: &'a Traffic,
    jitter: Duration,
    seed: u64,
}

impl Trial<'_> {
    fn row(&self, limiter: Limiter, tried: &[Duration]) -> Result<Vec<Option<Fit>>, BuildError> {
        let cells = Server::ALL.into_iter().map(|server| {
            let mut fit = None;
            for &guard in tried.iter().rev() {
                match self.fit(limiter, server, guard)? {
                    Some(smaller) => fit = Some(smaller),
                    None => break,
                }
            }
            Ok(fit)
        });
        cells.collect()
    }

    /// `None` if a call was refused or given up.
    fn fit(&self, limiter: Limiter, server: Server, guard: Duration) -> Result<Option<Fit>, BuildError> {
        let mut fit = Fit { guard, took: 0, longest_wait: 0 };
        for run in 0..RUNS {
            let network = Network::new(self.jitter, self.seed.wrapping_add(run));
            let limiter = limiter.build(self.policy, guard)?;
            let (enforced, fields) = (server.enforce(self.policy), server.fields(&self.policy));
            let outcome = meet(Some(&*limiter), &*enforced, fields.as_ref(), &self.traffic.steps, network, 0);
            if outcome.refused > 0 || outcome.given_up > 0 {
                return Ok(None);
            }
            fit.took = fit.took.max(outcome.took);
            fit.longest_wait = fit.longest_wait.max(outcome.longest_wait);
        }
        Ok(Some(fit))
    }

    /// The longest that the calls take with any server that grants the rule; `None` if one of them refuses a call.
    fn slowest(&self, limiter: Limiter, guard: Duration) -> Option<u64> {
        let servers = Server::ALL.into_iter().filter(|server| server.grants_the_rule());
        let times = servers.map(|server| Some(self.fit(limiter, server, guard).ok()??.took));
        times.collect::<Option<Vec<u64>>>()?.into_iter().max()
    }
}
