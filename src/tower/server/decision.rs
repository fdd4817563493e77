//! What is told about a decision?

use core::fmt;

use http::request::Parts;

use super::limiter::Answer;
use crate::decision::{Denied, Status};

/// What a [`RateLimitLayer`](super::RateLimitLayer) has decided about a request, for its hooks.
///
/// A counter by [`name`](Decision::name), [`outcome`](Decision::outcome) and [`is_let_through`](Decision::is_let_through)
/// answers most questions. **Never make the key a label of a metric**: each caller would be a time series, and each hostile
/// caller as many as he likes. It is here for logs.
pub struct Decision<'a, K> {
    pub(super) name: &'static str,
    pub(super) request: &'a Parts,
    pub(super) key: Option<&'a K>,
    pub(super) cost: u32,
    pub(super) answer: &'a Answer,
    pub(super) outcome: Outcome,
    pub(super) is_let_through: bool,
    pub(super) met_before: bool,
}

/// How a decision ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// The limiter has granted the permits.
    Acquired,
    /// The limiter has refused them. In shadow mode, the request is let through all the same.
    Refused,
    /// The request has no key, and the layer was told what then, other than to ask the limiter.
    NoKey,
    /// The limiter gave [no answer](Answer::NONE).
    NoAnswer,
}

impl Outcome {
    /// `acquired`, `refused`, `no_key` or `no_answer`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Outcome::Acquired => "acquired",
            Outcome::Refused => "refused",
            Outcome::NoKey => "no_key",
            Outcome::NoAnswer => "no_answer",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<'a, K> Decision<'a, K> {
    /// How the decision ended.
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// Whether the request goes on to the inner service.
    pub fn is_let_through(&self) -> bool {
        self.is_let_through
    }

    /// The [name](super::RateLimitLayer::named) of the layer.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The index of the policy that decided, such as that of a plan.
    pub fn policy(&self) -> usize {
        self.answer.policy()
    }

    /// The refusal, also one in shadow mode.
    pub fn denied(&self) -> Option<Denied> {
        self.answer.result()?.err()
    }

    /// What is left after the decision, if the limiter was asked and tells.
    pub fn status(&self) -> Option<&'a Status> {
        self.answer.status()
    }

    /// How many permits the request costs.
    pub fn cost(&self) -> u32 {
        self.cost
    }

    /// The key of the caller, or `None` if it has none. For logs, never for a label of a metric.
    pub fn key(&self) -> Option<&'a K> {
        self.key
    }

    /// The request, without its body.
    pub fn request(&self) -> &'a Parts {
        self.request
    }

    /// Whether another layer has asked the same limiter about this request before. Then the request is charged twice, which
    /// is seldom meant. Layers without a hook for decisions are not noticed.
    /// [`Limiter::identity`](super::Limiter::identity) tells which limiters are the same.
    pub fn is_charged_again(&self) -> bool {
        self.met_before
    }
}

/// Without the key, which may be a secret, and without the request, which has it in its fields.
impl<K> fmt::Debug for Decision<'_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decision")
            .field("name", &self.name)
            .field("outcome", &self.outcome)
            .field("is_let_through", &self.is_let_through)
            .field("cost", &self.cost)
            .field("answer", &self.answer)
            .finish_non_exhaustive()
    }
}
