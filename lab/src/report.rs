//! What came out, before it takes a form?

use std::time::Duration;

use tollgate::{Algorithm, BuildError, Policy, Quota};

use crate::progress::Progress;
use crate::replay::{Figures, Strategy, replay};
use crate::traffic::Traffic;

/// The outcome of a comparison: one traffic under one or more policies.
///
/// [`Answer`](crate::Answer) shows it as a table, as JSON and as a page.
///
/// ```
/// use tollgate::{Policy, SlidingLog};
/// use tollgate_lab::{Answer, Comparison, Figures, Traffic, Workload};
///
/// let traffic = Traffic::new("made up", &Workload::Bursty.events(1, 500), false);
/// let policy: Policy = "50/1m, 1500/1h".parse()?;
/// // Any algorithm of your own stands where this log stands.
/// let comparison = Comparison::of(traffic, &[policy]).with("mine", SlidingLog::new);
///
/// let report = &comparison.reports[0];
/// let (ours, mine) = (&report.rows[0], &report.rows[8]);
/// assert_eq!((ours.name.as_str(), mine.name.as_str()), ("sliding_log", "mine"));
/// let granted = |figures: &Result<Figures, String>| figures.as_ref().map(|it| it.granted).ok();
/// assert_eq!(granted(&ours.figures), granted(&mine.figures));
/// assert!(comparison.html().contains("mine"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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

impl Comparison {
    /// Replays `traffic` through every built-in strategy under each of `policies`. The keyed table is one of them if each
    /// client has a limit of its own.
    pub fn of(traffic: Traffic, policies: &[Policy]) -> Comparison {
        // Three of a strategy's passes report; the timed one is left alone.
        let passes = 3 * Strategy::of(&traffic).count() * policies.len();
        let progress = Progress::replaying(traffic.steps.len(), passes);
        let report = |&policy| {
            let rows = Strategy::of(&traffic).map(|strategy| {
                progress.say(strategy.name());
                Row {
                    name: strategy.name().into(),
                    keeps_the_rule: strategy.keeps_the_rule(),
                    figures: strategy.replay(&policy, &traffic, &progress),
                }
            });
            Report { policy, rows: rows.collect() }
        };
        let reports = policies.iter().map(report).collect();
        Comparison { traffic, reports }
    }

    /// Adds a row under each policy for a limiter of your own, which `build` makes for the policy.
    ///
    /// `build` is called for each client and each pass. The limiter must take the time from its argument alone: where
    /// it answers the same requests differently in another pass, or names a quota that the policy does not have, the
    /// row says so and has no figures. Its `peek_at` and `status_at` are never called.
    #[must_use]
    pub fn with<A: Algorithm>(
        self,
        name: impl Into<String>,
        build: impl Fn(Policy) -> Result<A, BuildError>,
    ) -> Comparison {
        self.and(&name.into(), false, build)
    }

    /// As [`with`](Comparison::with), for a limiter that keeps every limit on any traffic. That is your promise: the
    /// advice may then name it, unless it exceeds a limit on this traffic.
    #[must_use]
    pub fn with_strict<A: Algorithm>(
        self,
        name: impl Into<String>,
        build: impl Fn(Policy) -> Result<A, BuildError>,
    ) -> Comparison {
        self.and(&name.into(), true, build)
    }

    fn and<A: Algorithm>(
        mut self,
        name: &str,
        keeps_the_rule: bool,
        build: impl Fn(Policy) -> Result<A, BuildError>,
    ) -> Comparison {
        let progress = Progress::replaying(self.traffic.steps.len(), 3 * self.reports.len());
        for report in &mut self.reports {
            let policy = report.policy;
            let figures = replay(|| build(policy), &policy, &self.traffic, &progress);
            report.rows.push(Row { name: name.into(), keeps_the_rule, figures });
        }
        self
    }
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
