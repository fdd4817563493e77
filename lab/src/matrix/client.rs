//! How do clients keep a server's policy?

use std::time::Duration;

use tollgate::{Algorithm, BuildError, Policy, SlidingLog, TokenBucket};

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
    TokenBucketStrict,
    TokenBucketNominal,
}

impl Client {
    /// In the order of every output.
    pub const ALL: [Client; 7] = [
        Client { limiter: Some(Limiter::SlidingLog), guarded: true },
        Client { limiter: Some(Limiter::SlidingLog), guarded: false },
        Client { limiter: Some(Limiter::TokenBucketStrict), guarded: true },
        Client { limiter: Some(Limiter::TokenBucketStrict), guarded: false },
        Client { limiter: Some(Limiter::TokenBucketNominal), guarded: true },
        Client { limiter: Some(Limiter::TokenBucketNominal), guarded: false },
        Client { limiter: None, guarded: false },
    ];

    /// As every output calls it.
    pub fn name(self) -> String {
        let name = match self.limiter {
            Some(Limiter::SlidingLog) => "sliding_log",
            Some(Limiter::TokenBucketStrict) => "token_bucket_strict",
            Some(Limiter::TokenBucketNominal) => "token_bucket_nominal",
            None => "obeys_retry_after",
        };
        if self.guarded { format!("{name} + guard") } else { name.into() }
    }

    /// Whether no server that grants every call within the policy ever refuses one of its calls.
    pub const fn is_never_refused(self) -> bool {
        self.guarded && matches!(self.limiter, Some(Limiter::SlidingLog | Limiter::TokenBucketStrict))
    }

    /// Its limiter for the `policy` of a server, with `guard` where it has one.
    ///
    /// # Errors
    ///
    /// If the algorithm cannot keep the policy.
    pub fn limiter(self, policy: Policy, guard: Duration) -> Result<Option<Box<dyn Algorithm>>, BuildError> {
        let guard = if self.guarded { guard } else { Duration::ZERO };
        // Longer than the longest window: it stays as it is.
        let policy = policy.with_guard(policy.guard().saturating_add(guard)).unwrap_or(policy);
        Ok(match self.limiter {
            Some(Limiter::SlidingLog) => Some(Box::new(SlidingLog::new(policy)?)),
            Some(Limiter::TokenBucketStrict) => Some(Box::new(TokenBucket::strict(policy)?)),
            Some(Limiter::TokenBucketNominal) => Some(Box::new(TokenBucket::nominal(policy)?)),
            None => None,
        })
    }
}
