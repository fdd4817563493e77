//! What do callers ask for, and what would limits refuse?
//!
//! Each caller has the exact rule to itself: a sliding log of all windows. A refused call is charged to no window.

use std::time::Duration;

use crate::traffic::{Step, Traffic};

/// One limit and the window that it holds for, in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The most permits in any window.
    pub limit: u64,
    /// The length of the window.
    pub window: u64,
}

/// What some limits would refuse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refused {
    /// Calls that would be refused.
    pub calls: u64,
    /// Callers with at least one refused call.
    pub callers: u64,
}

/// The calls of a traffic, caller by caller.
#[derive(Debug)]
pub struct Demand<'a> {
    steps: &'a [Step],
    /// The places of the calls in `steps`: those of the first caller in order of time, then those of the next.
    places: Vec<u32>,
    /// Where the calls of each caller begin in `places`, and the end.
    starts: Vec<usize>,
    /// In nanoseconds.
    windows: Vec<u64>,
    /// The most that each caller asks for in any of each window: `peaks[caller * windows + window]`.
    peaks: Vec<u64>,
}

impl<'a> Demand<'a> {
    /// Sorts the calls of `traffic` by the limiter that serves them, and looks how much is asked for in each of
    /// `windows`.
    pub fn new(traffic: &'a Traffic, windows: &[Duration]) -> Demand<'a> {
        let windows: Vec<u64> =
            windows.iter().map(|window| u64::try_from(window.as_nanos()).unwrap_or(u64::MAX)).collect();
        let mut starts = vec![0; traffic.limiters() + 1];
        for step in &traffic.steps {
            starts[traffic.limiter(step) + 1] += 1;
        }
        for caller in 1..starts.len() {
            starts[caller] += starts[caller - 1];
        }
        let mut places = vec![0; traffic.steps.len()];
        let mut next = starts.clone();
        for (place, step) in (0..).zip(&traffic.steps) {
            let caller = traffic.limiter(step);
            places[next[caller]] = place;
            next[caller] += 1;
        }
        let mut demand = Demand { steps: &traffic.steps, places, starts, windows, peaks: Vec::new() };
        for caller in 0..demand.callers() {
            let peaks: Vec<u64> =
                demand.windows.iter().map(|&window| demand.peak_of(caller, window)).collect();
            demand.peaks.extend(peaks);
        }
        demand
    }

    /// How many callers there are, or limiters if one serves all.
    pub fn callers(&self) -> usize {
        self.starts.len() - 1
    }

    /// How many calls there are.
    pub fn calls(&self) -> u64 {
        self.places.len() as u64
    }

    /// The windows, in nanoseconds.
    pub fn windows(&self) -> &[u64] {
        &self.windows
    }

    /// How many calls a caller makes.
    pub fn calls_of(&self, caller: usize) -> u64 {
        (self.starts[caller + 1] - self.starts[caller]) as u64
    }

    /// The most that a caller asks for in any of a window.
    pub fn peak(&self, caller: usize, window: usize) -> u64 {
        self.peaks[caller * self.windows.len() + window]
    }

    /// The most that any caller asks for in any of a window.
    pub fn highest(&self, window: usize) -> u64 {
        (0..self.callers()).map(|caller| self.peak(caller, window)).max().unwrap_or(0)
    }

    /// What `limits` would refuse, one for each window; `None` for a window without a limit.
    pub fn refused(&self, limits: &[Option<u64>]) -> Refused {
        let mut refused = Refused::default();
        let mut log = Log::default();
        for caller in 0..self.callers() {
            let calls = self.refused_to(caller, limits, &mut log);
            refused.calls += calls;
            refused.callers += u64::from(calls > 0);
        }
        refused
    }

    /// How many callers would have a call refused: those that ask for more than a limit in some window.
    pub fn callers_refused(&self, limits: &[Option<u64>]) -> u64 {
        (0..self.callers()).filter(|&caller| self.is_over(caller, limits)).count() as u64
    }

    fn is_over(&self, caller: usize, limits: &[Option<u64>]) -> bool {
        limits
            .iter()
            .enumerate()
            .any(|(window, limit)| limit.is_some_and(|it| self.peak(caller, window) > it))
    }

    /// How many calls of one caller `limits` would refuse.
    pub fn refused_to(&self, caller: usize, limits: &[Option<u64>], log: &mut Log) -> u64 {
        // The first refusal comes when the calls so far, none of them refused, exceed a limit.
        if !self.is_over(caller, limits) {
            return 0;
        }
        let rules = self.windows.iter().zip(limits);
        log.begin(rules.filter_map(|(&window, &limit)| Some(Rule { limit: limit?, window })));
        self.of(caller).filter(|step| !log.grants(step)).count() as u64
    }

    fn of(&self, caller: usize) -> impl Iterator<Item = &Step> {
        let places = &self.places[self.starts[caller]..self.starts[caller + 1]];
        places.iter().map(|&place| &self.steps[place as usize])
    }

    fn peak_of(&self, caller: usize, window: u64) -> u64 {
        let (mut sum, mut most) = (0, 0);
        let mut oldest = self.of(caller).peekable();
        for step in self.of(caller) {
            sum += u64::from(step.cost);
            while let Some(gone) = oldest.next_if(|old| step.at - old.at >= window) {
                sum -= u64::from(gone.cost);
            }
            most = most.max(sum);
        }
        most
    }
}

/// The granted calls of one caller. Used again for the next, for its memory.
#[derive(Debug, Default)]
pub struct Log {
    granted: Vec<(u64, u64)>,
    quotas: Vec<Quota>,
}

#[derive(Debug)]
struct Quota {
    rule: Rule,
    /// The first granted call that is still in the window.
    oldest: usize,
    /// The permits of it and all later ones.
    sum: u64,
}

impl Log {
    fn begin(&mut self, rules: impl Iterator<Item = Rule>) {
        self.granted.clear();
        self.quotas.clear();
        self.quotas.extend(rules.map(|rule| Quota { rule, oldest: 0, sum: 0 }));
    }

    fn grants(&mut self, step: &Step) -> bool {
        let cost = u64::from(step.cost);
        let mut fits = true;
        for quota in &mut self.quotas {
            while let Some(&(at, cost)) = self.granted.get(quota.oldest) {
                if step.at - at < quota.rule.window {
                    break;
                }
                quota.sum -= cost;
                quota.oldest += 1;
            }
            fits &= quota.sum + cost <= quota.rule.limit;
        }
        if fits {
            self.granted.push((step.at, cost));
            self.quotas.iter_mut().for_each(|quota| quota.sum += cost);
        }
        fits
    }
}
