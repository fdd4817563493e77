//! How do clients keep a server's policy?

use std::time::Duration;

use tollgate::{Algorithm, BuildError, Policy, SlidingLog, TokenBucket, WindowCounter};

/// What a client does before it sends a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its limiter; `None` if it sends at once and obeys each `Retry-After`.
    pub limiter: Option<Limiter>,
    /// Whether the limiter has a guard.
    pub guarded: bool,
}

/// A limiter of this crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names of the algorithms")]
pub enum Limiter {
    SlidingLog,
    WindowCounter,
    TokenBucketStrict,
    TokenBucketNominal,
}

impl Limiter {
    /// In the order of every output.
    pub const ALL: [Limiter; 4] = [
        Limiter::SlidingLog,
        Limiter::WindowCounter,
        Limiter::TokenBucketStrict,
        Limiter::TokenBucketNominal,
    ];

    /// As every output calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Limiter::SlidingLog => "sliding_log",
            Limiter::WindowCounter => "window_counter",
            Limiter::TokenBucketStrict => "token_bucket_strict",
            Limiter::TokenBucketNominal => "token_bucket_nominal",
        }
    }

    /// Whether it never sends more than the policy allows, so that a guard above the jitter is enough for every server
    /// that grants the rule.
    pub const fn keeps_the_rule(self) -> bool {
        !matches!(self, Limiter::TokenBucketNominal)
    }

    /// A limiter for `policy` whose windows are longer by `guard`.
    ///
    /// # Errors
    ///
    /// If the algorithm cannot keep the policy.
    pub fn build(self, policy: Policy, guard: Duration) -> Result<Box<dyn Algorithm>, BuildError> {
        // A guard that makes a window longer than a policy can hold is left out.
        let policy = policy.with_guard(policy.guard().saturating_add(guard)).unwrap_or(policy);
        Ok(match self {
            Limiter::SlidingLog => Box::new(SlidingLog::new(policy)?),
            Limiter::WindowCounter => Box::new(WindowCounter::new(policy)?),
            Limiter::TokenBucketStrict => Box::new(TokenBucket::strict(policy)?),
            Limiter::TokenBucketNominal => Box::new(TokenBucket::nominal(policy)?),
        })
    }
}

impl Client {
    /// In the order of every output.
    pub const ALL: [Client; 9] = [
        Client { limiter: Some(Limiter::SlidingLog), guarded: true },
        Client { limiter: Some(Limiter::SlidingLog), guarded: false },
        Client { limiter: Some(Limiter::WindowCounter), guarded: true },
        Client { limiter: Some(Limiter::WindowCounter), guarded: false },
        Client { limiter: Some(Limiter::TokenBucketStrict), guarded: true },
        Client { limiter: Some(Limiter::TokenBucketStrict), guarded: false },
        Client { limiter: Some(Limiter::TokenBucketNominal), guarded: true },
        Client { limiter: Some(Limiter::TokenBucketNominal), guarded: false },
        Client { limiter: None, guarded: false },
    ];

    /// As every output calls it.
    pub fn name(self) -> String {
        let name = self.limiter.map_or("obeys_retry_after", Limiter::name);
        if self.guarded { format!("{name} + guard") } else { name.into() }
    }

    /// Whether no server that grants every call within the policy ever refuses one of its calls.
    pub const fn is_never_refused(self) -> bool {
        match self.limiter {
            Some(limiter) => self.guarded && limiter.keeps_the_rule(),
            None => false,
        }
    }

    /// Its limiter for the `policy` of a server, with `guard` where it has one.
    ///
    /// # Errors
    ///
    /// If the algorithm cannot keep the policy.
    pub fn limiter(self, policy: Policy, guard: Duration) -> Result<Option<Box<dyn Algorithm>>, BuildError> {
        let guard = if self.guarded { guard } else { Duration::ZERO };
        self.limiter.map(|limiter| limiter.build(policy, guard)).transpose()
    }
}
