//! What came out, before it takes a form?

use std::time::Duration;

use tollgate::{Policy, Quota};

use crate::replay::Figures;
use crate::traffic::Traffic;

/// The outcome of a comparison: one traffic under one or more policies.
#[derive(Debug)]
pub struct Comparison {
    /// What was replayed.
    pub traffic: Traffic,
    /// One for each policy, in the order in which they were given.
    pub reports: Vec<Report>,
}

/// The outcome under one policy.
#[derive(Debug)]
pub struct Report {
    /// The policy.
    pub policy: Policy,
    /// One for each strategy.
    pub rows: Vec<Row>,
}

/// The outcome of one strategy.
#[derive(Debug)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// Whether it keeps every limit on any traffic, and not by luck on this one.
    pub keeps_the_rule: bool,
    /// `Err` says why the strategy cannot serve this policy and traffic.
    pub figures: Result<Figures, String>,
}

impl Report {
    /// The strategies that could be replayed.
    pub fn figures(&self) -> impl Iterator<Item = (&Row, &Figures)> {
        self.rows.iter().filter_map(|row| Some((row, row.figures.as_ref().ok()?)))
    }

    /// The quotas that were exceeded, as an index and the worst count.
    pub fn violations<'a>(&'a self, figures: &'a Figures) -> impl Iterator<Item = (usize, u64)> + 'a {
        let worst = figures.worst.iter().copied().enumerate();
        worst.filter(|&(quota, count)| count > u64::from(self.policy.quotas()[quota].limit()))
    }

    /// A quota as text without its name, such as `50/1m`.
    pub fn rule(&self, quota: usize) -> String {
        let quota = self.policy.quotas()[quota];
        Quota::new(quota.limit(), quota.window()).to_string()
    }

    /// The window of a quota as text, such as `1m`.
    pub fn window(&self, quota: usize) -> String {
        written(self.policy.quotas()[quota].window())
    }
}

/// A duration as a policy writes it, such as `1m`.
pub fn written(duration: Duration) -> String {
    let rule = Quota::new(1, duration).to_string();
    rule.strip_prefix("1/").unwrap_or(&rule).to_owned()
}
