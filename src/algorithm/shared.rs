//! State apart from configuration: one rule for any number of limiters, each of which is one word.

use super::one_word::Word;
use super::token_bucket::word::Word as Bucket;
use super::window_counter::word::Counting;
use super::{Algorithm, BuildError, CounterPlan, Plan};
use crate::decision::{Denied, Grant, Receipt, Status};
use crate::nanos::Nanos;
use crate::quota::Policy;

/// The rule of any number of limiters whose [`State`] is 8 bytes: a strict token bucket or a window counter.
///
/// A [`TokenBucket`](crate::TokenBucket) contains its rule, which is best if there is only one limiter. With one limiter per
/// caller, the rule would be repeated. So build it once, and keep only a state per caller. [`bind`](Rule::bind) puts the two
/// together for a decision.
///
/// ```
/// use std::collections::HashMap;
/// use tollgate::{Algorithm, Nanos, Policy, Rule, State};
///
/// let rule = Rule::counted(Policy::MICROSOFT_365_DEFENDER)?;
/// let mut callers: HashMap<u32, State> = HashMap::new();
///
/// let now = Nanos::from_secs(1);
/// let caller = callers.entry(7).or_default();
/// assert!(rule.bind(caller).try_acquire_at(now, 50).is_ok());
/// assert!(rule.bind(caller).try_acquire_at(now, 1).is_err());
/// let another = callers.entry(8).or_default();
/// assert!(rule.bind(another).try_acquire_at(now, 1).is_ok());
/// assert_eq!(size_of::<State>(), 8);
/// # Ok::<(), tollgate::BuildError>(())
/// ```
///
/// A rule is immutable, so it can be a static, in an [`Arc`](alloc::sync::Arc), or a local. A decision costs what it costs
/// a limiter of its own, and a branch that is easy to predict.
#[derive(Debug)]
pub struct Rule(Kind);

#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "one rule serves any number of limiters, and a box would be one more load"
)]
enum Kind {
    Bucket { judge: Bucket, plan: Plan },
    Counter { judge: Counting, plan: CounterPlan },
}

macro_rules! each {
    ($rule:expr, $judge:ident => $call:expr) => {
        match &$rule.0 {
            Kind::Bucket { judge: $judge, .. } => $call,
            Kind::Counter { judge: $judge, .. } => $call,
        }
    };
}

impl Rule {
    /// The rule of [`TokenBucket::strict`](crate::TokenBucket::strict): calls are spread.
    ///
    /// # Errors
    ///
    /// As [`Plan::new`].
    pub fn strict(policy: Policy) -> Result<Rule, BuildError> {
        Plan::new(policy).map(Rule::from)
    }

    /// The rule of a [`WindowCounter`](crate::WindowCounter): as many permits as the smallest limit can be taken at once.
    ///
    /// # Errors
    ///
    /// As [`CounterPlan::new`].
    pub fn counted(policy: Policy) -> Result<Rule, BuildError> {
        CounterPlan::new(policy).map(Rule::from)
    }

    /// The policy that is enforced.
    #[inline]
    pub fn policy(&self) -> &Policy {
        match &self.0 {
            Kind::Bucket { plan, .. } => plan.policy(),
            Kind::Counter { plan, .. } => plan.policy(),
        }
    }

    /// The limiter that has this rule and that state.
    ///
    /// A state belongs to the rule with which it was first used. With another rule, its bits mean something else. The program
    /// then goes on, but the limits are wrong.
    #[inline]
    pub fn bind<'a>(&'a self, state: &'a State) -> Bound<'a> {
        Bound { rule: self, state }
    }

    /// A state in which `n` permits were used before, as if all of them had been granted at `now`. This is for a client that
    /// restarts while the server still remembers its calls. An `n` above the largest limit counts as the largest limit.
    ///
    /// ```
    /// use tollgate::{Algorithm, Nanos, Policy, Rule};
    ///
    /// let rule = Rule::counted(Policy::MICROSOFT_365_DEFENDER)?;
    /// let state = rule.state_with_used(Nanos::ZERO, 20);
    /// assert_eq!(rule.bind(&state).status_at(Nanos::ZERO).remaining(), 30);
    /// assert!(rule.bind(&state).try_acquire_at(Nanos::ZERO, 31).is_err());
    /// # Ok::<(), tollgate::BuildError>(())
    /// ```
    #[must_use]
    pub fn state_with_used(&self, now: Nanos, n: u32) -> State {
        let n = n.min(self.policy().largest_limit());
        let word = match &self.0 {
            _ if n == 0 => 0,
            Kind::Bucket { judge, .. } => judge.with_used(0, now, n),
            Kind::Counter { judge, plan } => judge.with_used(0, now, n, plan.longer_by()),
        };
        State(Word::new(word))
    }
}

impl From<Plan> for Rule {
    fn from(plan: Plan) -> Rule {
        Rule(Kind::Bucket { judge: Bucket::planned(&plan), plan })
    }
}

impl From<CounterPlan> for Rule {
    fn from(plan: CounterPlan) -> Rule {
        Rule(Kind::Counter { judge: Counting::new(&plan), plan })
    }
}

/// The state of one limiter of a [`Rule`]. It has 8 bytes, and at first nothing is used. Threads share it by reference, like
/// an atomic integer.
#[derive(Debug)]
pub struct State(Word);

impl Default for State {
    fn default() -> State {
        State(Word::new(0))
    }
}

/// A [`Rule`] and the [`State`] of one limiter: an [`Algorithm`] made of two references.
#[derive(Clone, Copy, Debug)]
pub struct Bound<'a> {
    rule: &'a Rule,
    state: &'a State,
}

impl Algorithm for Bound<'_> {
    #[inline]
    fn policy(&self) -> &Policy {
        self.rule.policy()
    }

    #[inline]
    fn try_acquire_at(&self, now: Nanos, n: u32) -> Result<(), Denied> {
        if n == 0 {
            return Ok(());
        }
        each!(self.rule, judge => self.state.0.try_acquire(judge, now, n))
    }

    fn peek_at(&self, now: Nanos, n: u32) -> Result<(), Denied> {
        if n == 0 {
            return Ok(());
        }
        each!(self.rule, judge => self.state.0.peek(judge, now, n))
    }

    fn status_at(&self, now: Nanos) -> Status {
        each!(self.rule, judge => judge.status_at(self.state.0.load(), now))
    }

    fn try_grant_at(&self, now: Nanos, n: u32) -> Result<Grant<'_>, Denied> {
        if n == 0 {
            return Ok(Grant::FINAL);
        }
        each!(self.rule, judge => self.state.0.try_grant(judge, now, n))
    }

    fn undo_receipt(&self, receipt: Receipt) -> bool {
        receipt.undo_in(&self.state.0)
    }
}
