//! The rule as a sequential machine, in nanoseconds and far too slow to use. It shares no code with `src/`.

/// What a thread asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Call {
    Take {
        now: u64,
        n: u32,
    },
    /// What `Take` would be answered.
    Peek {
        now: u64,
        n: u32,
    },
    Status {
        now: u64,
    },
    /// As `Take`, but what is granted can be undone, under this name. Only of limiters whose state is one word.
    Grant {
        now: u64,
        n: u32,
        name: u8,
    },
    /// Undoes the grant of this name, once.
    Undo {
        name: u8,
    },
}

/// What it is told.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Reply {
    Granted,
    Denied {
        quota: usize,
        retry: Option<u64>,
    },
    /// Remaining and reset of each quota, or of the one state for all of them.
    Status(Vec<(u64, u64)>),
    /// Granted, with a receipt.
    Held {
        before: u64,
        after: u64,
    },
    /// Whether it is undone.
    Undone(bool),
}

impl Reply {
    /// Whether it is as specified. How a receipt is written is the limiter's own affair.
    pub(crate) fn is(&self, specified: &Reply) -> bool {
        matches!((self, specified), (Reply::Held { .. }, Reply::Held { .. })) || self == specified
    }
}

/// `limit` permits per `window`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Rule {
    pub(crate) limit: u64,
    pub(crate) window: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Spec {
    rules: Vec<Rule>,
    state: State,
    /// The grants in force that can be undone, the latest last.
    held: Vec<Held>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Held {
    name: u8,
    before: State,
    /// How many grants in force are later.
    later: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum State {
    /// The instant of every permit ever granted.
    Log(Vec<u64>),
    /// When each bucket is full again.
    Buckets(Vec<u64>),
    /// One bucket for all quotas: burst, interval, the quota it is blamed on, when it is full again.
    Strict { burst: u64, interval: u64, quota: usize, tat: u64 },
    /// The permits that count in each sub-window, by its number, the newest last; and when the bucket is full again.
    Counts { plan: Counting, counts: Vec<(u64, u64)>, tat: u64 },
}

/// How a window counter keeps its rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Counting {
    /// The rule that is counted.
    pub(crate) counted: usize,
    /// A window has so many sub-windows of such a length.
    pub(crate) sub_windows: u64,
    pub(crate) sub_window: u64,
    /// The remainder of so many permits counts in the next sub-window.
    pub(crate) unit: u64,
    pub(crate) tick: u64,
    /// Of the bucket for the other rules; 0 if the counter alone keeps all.
    pub(crate) interval: u64,
}

impl Counting {
    /// The counts as seen from sub-window `epoch`, those that have left it forgotten.
    fn seen(&self, counts: &[(u64, u64)], epoch: u64) -> Vec<(u64, u64)> {
        let mut seen = counts.to_vec();
        let (newest, permits) = seen.pop().expect("there is a newest sub-window");
        if epoch <= newest {
            return counts.to_vec();
        }
        seen.push((newest, permits - permits % self.unit));
        seen.retain(|&(of, permits)| of + self.sub_windows >= epoch && permits > 0);
        let moves_on = epoch <= newest + self.sub_windows;
        seen.push((epoch, if moves_on { permits % self.unit } else { 0 }));
        seen
    }

    fn used(&self, counts: &[(u64, u64)], epoch: u64) -> u64 {
        self.seen(counts, epoch).iter().map(|&(_, permits)| permits).sum()
    }

    /// From when on at most `most` permits count; 0 if always.
    fn until(&self, counts: &[(u64, u64)], most: u64) -> u64 {
        let newest = counts.last().expect("there is a newest sub-window").0;
        let epoch = (newest..=newest + self.sub_windows + 1)
            .find(|&epoch| self.used(counts, epoch) <= most)
            .expect("all leave");
        if epoch == newest { 0 } else { epoch * self.sub_window }
    }
}

impl Spec {
    pub(crate) fn log(rules: &[Rule]) -> Spec {
        Spec::of(rules, State::Log(Vec::new()))
    }

    pub(crate) fn buckets(rules: &[Rule]) -> Spec {
        Spec::of(rules, State::Buckets(vec![0; rules.len()]))
    }

    pub(crate) fn strict(rules: &[Rule], burst: u64) -> Spec {
        let interval = |rule: &Rule| rule.window.div_ceil(rule.limit + 1 - burst);
        let (quota, interval) = latest(rules.iter().map(interval));
        Spec::of(rules, State::Strict { burst, interval, quota, tat: 0 })
    }

    pub(crate) fn counts(rules: &[Rule], plan: Counting) -> Spec {
        Spec::of(rules, State::Counts { plan, counts: vec![(0, 0)], tat: 0 })
    }

    fn of(rules: &[Rule], state: State) -> Spec {
        Spec { rules: rules.to_vec(), state, held: Vec::new() }
    }

    /// The same without the permits that are too old to matter.
    pub(crate) fn newest(mut self) -> Spec {
        let most = self.rules.iter().map(|rule| rule.limit).max().expect("a policy has a quota");
        if let State::Log(stamps) = &mut self.state {
            let old = stamps.len().saturating_sub(usize::try_from(most).expect("a small limit"));
            stamps.drain(..old);
        }
        if let State::Counts { plan, counts, tat } = &mut self.state {
            let begin = counts.last().map_or(0, |&(newest, _)| newest * plan.sub_window);
            *tat = if plan.interval == 0 { 0 } else { begin.max(*tat) };
        }
        self
    }

    pub(crate) fn answer(&mut self, call: Call) -> Reply {
        match call {
            Call::Take { now, n } => self.take(now, u64::from(n)),
            Call::Peek { now, n } => self.refused(now, u64::from(n)).unwrap_or(Reply::Granted),
            Call::Status { now } => Reply::Status(self.status(now)),
            Call::Grant { now, n, name } => self.grant(now, u64::from(n), name),
            Call::Undo { name } => Reply::Undone(self.undo(name)),
        }
    }

    fn grant(&mut self, now: u64, n: u64, name: u8) -> Reply {
        let before = self.state.clone();
        match self.take(now, n) {
            Reply::Granted => {
                self.held.push(Held { name, before, later: 0 });
                Reply::Held { before: 0, after: 0 }
            }
            refused => refused,
        }
    }

    /// Only the latest grant in force is undone. Any other stays in force for good.
    fn undo(&mut self, name: u8) -> bool {
        let Some(at) = self.held.iter().position(|held| held.name == name) else { return false };
        let undone = self.held.remove(at);
        if undone.later > 0 {
            return false;
        }
        self.state = undone.before;
        self.held.iter_mut().for_each(|earlier| earlier.later -= 1);
        true
    }

    fn refused(&self, now: u64, n: u64) -> Option<Reply> {
        let (burst, blamed) = self.burst();
        if n > burst {
            return Some(Reply::Denied { quota: blamed, retry: None });
        }
        let (quota, ready) = self.ready(n);
        let now = self.judged(now);
        (n > 0 && ready > now).then_some(Reply::Denied { quota, retry: Some(ready) })
    }

    /// A counter judges nothing before its newest sub-window.
    fn judged(&self, now: u64) -> u64 {
        match &self.state {
            State::Counts { plan, counts, .. } => {
                counts.last().map_or(now, |&(newest, _)| now.max(newest * plan.sub_window))
            }
            _ => now,
        }
    }

    /// Whether the counter alone does not keep a rule.
    fn needs_bucket(&self, rule: Rule, counted: usize) -> bool {
        let Rule { limit, window } = self.rules[counted];
        rule.limit < limit * rule.window.div_ceil(window)
    }

    fn take(&mut self, now: u64, n: u64) -> Reply {
        if let Some(refused) = self.refused(now, n) {
            return refused;
        }
        if n > 0 {
            self.held.iter_mut().for_each(|held| held.later += 1);
        }
        let judged = self.judged(now);
        match &mut self.state {
            State::Counts { plan, counts, tat } if n > 0 => {
                let epoch = judged / plan.sub_window;
                *counts = plan.seen(counts, epoch);
                counts.last_mut().expect("there is a newest sub-window").1 += n;
                if plan.interval > 0 {
                    *tat = (*tat).max(judged / plan.tick * plan.tick) + n * plan.interval;
                }
            }
            State::Log(stamps) => {
                let newest = stamps.last().map_or(now, |&stamp| stamp.max(now));
                stamps.extend((0..n).map(|_| newest));
            }
            State::Buckets(tats) if n > 0 => {
                for (tat, rule) in tats.iter_mut().zip(&self.rules) {
                    *tat = (*tat).max(now) + n * rule.interval();
                }
            }
            State::Strict { interval, tat, .. } if n > 0 => *tat = (*tat).max(now) + n * *interval,
            State::Buckets(_) | State::Strict { .. } | State::Counts { .. } => {}
        }
        Reply::Granted
    }

    /// The most that one call can be granted, and the quota that is blamed for more.
    fn burst(&self) -> (u64, usize) {
        if let State::Strict { burst, quota, .. } = self.state {
            return (burst, quota);
        }
        let least = self.rules.iter().map(|rule| rule.limit).min().expect("a policy has a quota");
        let quota = self.rules.iter().position(|rule| rule.limit == least);
        (least, quota.expect("the least is one of them"))
    }

    /// The quota that admits `n` permits last, and from when on all do.
    fn ready(&self, n: u64) -> (usize, u64) {
        match &self.state {
            State::Log(stamps) => latest(self.rules.iter().map(|rule| {
                let leaving = (stamps.len() as u64 + n).checked_sub(rule.limit + 1);
                let leaving = leaving.and_then(|place| stamps.get(usize::try_from(place).ok()?));
                leaving.map_or(0, |stamp| stamp + rule.window)
            })),
            State::Buckets(tats) => latest(
                self.rules
                    .iter()
                    .zip(tats)
                    .map(|(rule, tat)| tat.saturating_sub((rule.limit - n) * rule.interval())),
            ),
            State::Strict { burst, interval, quota, tat } => {
                (*quota, tat.saturating_sub((burst - n) * interval))
            }
            State::Counts { plan, counts, tat } => {
                let counted = self.rules[plan.counted];
                let left = counted.limit - n;
                let bucket = tat.saturating_sub(left * plan.interval);
                let judged = self.judged(0);
                // What is over by then makes nobody wait.
                let of = |instant: u64| if instant > judged { instant } else { 0 };
                let needed = |rule: &Rule| {
                    let permits = rule.limit.saturating_sub(counted.limit) + 1;
                    if self.needs_bucket(*rule, plan.counted) { rule.window.div_ceil(permits) } else { 0 }
                };
                let (paced, _) = latest(self.rules.iter().map(needed));
                latest((0..self.rules.len()).map(|quota| {
                    let by_counts = if quota == plan.counted { plan.until(counts, left) } else { 0 };
                    let bucket = if plan.interval > 0 && quota == paced { of(bucket) } else { 0 };
                    by_counts.max(bucket)
                }))
            }
        }
    }

    fn status(&self, now: u64) -> Vec<(u64, u64)> {
        let bucket = |limit: u64, interval: u64, tat: u64| {
            let used = tat.saturating_sub(now).div_ceil(interval);
            (limit.saturating_sub(used), tat.max(now))
        };
        match &self.state {
            State::Log(stamps) => {
                let of = |rule: &Rule| {
                    let used = stamps.iter().filter(|&&stamp| stamp + rule.window > now).count() as u64;
                    let reset = stamps.last().filter(|_| used > 0).map_or(now, |stamp| stamp + rule.window);
                    (rule.limit.saturating_sub(used), reset)
                };
                self.rules.iter().map(of).collect()
            }
            State::Buckets(tats) => self
                .rules
                .iter()
                .zip(tats)
                .map(|(rule, &tat)| bucket(rule.limit, rule.interval(), tat))
                .collect(),
            State::Counts { plan, counts, tat } => {
                let limit = self.rules[plan.counted].limit;
                let judged = self.judged(now) / plan.tick * plan.tick;
                let used = plan.used(counts, judged / plan.sub_window);
                let counter = (limit - used, if used > 0 { plan.until(counts, 0) } else { now });
                let ahead = tat.saturating_sub(judged);
                let left = limit.saturating_sub(ahead.div_ceil(plan.interval.max(1)));
                let by_bucket = (left, if ahead > 0 { *tat } else { now });
                let of =
                    |rule: &Rule| if self.needs_bucket(*rule, plan.counted) { by_bucket } else { counter };
                self.rules.iter().map(of).collect()
            }
            State::Strict { burst, interval, tat, .. } => vec![bucket(*burst, *interval, *tat)],
        }
    }
}

impl Rule {
    fn interval(self) -> u64 {
        assert_eq!(self.window % self.limit, 0, "a whole interval, so that no grid shows");
        self.window / self.limit
    }
}

/// The first of the largest, and its place.
fn latest(instants: impl Iterator<Item = u64>) -> (usize, u64) {
    instants.enumerate().reduce(|a, b| if b.1 > a.1 { b } else { a }).expect("a policy has a quota")
}

/// Whether some order of the calls, in which each thread's own stay in order, explains every reply, given the
/// calls that came before all of them and after.
pub(crate) fn explained(spec: &Spec, threads: &[&[(Call, Reply)]], after: &[(Call, Reply)]) -> bool {
    explained_where(spec, threads, after, &|_, _| true)
}

/// The same among the orders that `may` allows: before each call it is told which thread goes on, and how many calls each
/// thread has left.
pub(crate) fn explained_where(
    spec: &Spec,
    threads: &[&[(Call, Reply)]],
    after: &[(Call, Reply)],
    may: &dyn Fn(usize, &[usize]) -> bool,
) -> bool {
    if threads.iter().all(|calls| calls.is_empty()) {
        let mut spec = spec.clone();
        return after.iter().all(|(call, reply)| reply.is(&spec.answer(*call)));
    }
    let left: Vec<usize> = threads.iter().map(|calls| calls.len()).collect();
    (0..threads.len()).any(|next| {
        let Some(((call, reply), rest)) = threads[next].split_first() else { return false };
        let mut spec = spec.clone();
        let mut threads = threads.to_vec();
        threads[next] = rest;
        may(next, &left) && reply.is(&spec.answer(*call)) && explained_where(&spec, &threads, after, may)
    })
}
