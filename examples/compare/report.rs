//! What came out, before it takes a form?

use std::time::Duration;

use tollgate::{Policy, Quota};

use super::replay::Figures;
use super::strategy::Strategy;

/// The outcome of a comparison.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) policy: Policy,
    pub(crate) rows: Vec<Row>,
}

/// The outcome of one strategy.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) strategy: Strategy,
    /// `Err` says why the strategy cannot serve this policy and traffic.
    pub(crate) figures: Result<Figures, String>,
}

impl Report {
    /// The strategies that could be replayed.
    pub(crate) fn figures(&self) -> impl Iterator<Item = (Strategy, &Figures)> {
        self.rows.iter().filter_map(|row| Some((row.strategy, row.figures.as_ref().ok()?)))
    }

    /// The quotas that were exceeded, as an index and the worst count.
    pub(crate) fn violations<'a>(&'a self, figures: &'a Figures) -> impl Iterator<Item = (usize, u64)> + 'a {
        let worst = figures.worst.iter().copied().enumerate();
        worst.filter(|&(quota, count)| count > u64::from(self.policy.quotas()[quota].limit()))
    }

    /// A quota as text without its name, such as `50/1m`.
    pub(crate) fn rule(&self, quota: usize) -> String {
        let quota = self.policy.quotas()[quota];
        Quota::new(quota.limit(), quota.window()).to_string()
    }

    /// The window of a quota as text, such as `1m`.
    pub(crate) fn window(&self, quota: usize) -> String {
        written(self.policy.quotas()[quota].window())
    }
}

/// A duration as a policy writes it, such as `1m`.
pub(crate) fn written(duration: Duration) -> String {
    let rule = Quota::new(1, duration).to_string();
    rule.strip_prefix("1/").unwrap_or(&rule).to_owned()
}
