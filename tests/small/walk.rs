//! Visits every state that a limiter can reach and makes every call in it.

use std::collections::HashMap;
use std::time::Duration;

use crate::algorithm::{Algorithm, CounterPlan, SlidingLog, TokenBucket, WindowCounter};
use crate::nanos::Nanos;
use crate::quota::{Policy, Quota};
use crate::spec::{Call, Reply, Rule, Spec};
use crate::subject::{counting, perform};
use crate::sync::Words;

/// A limiter for a few permits in a few nanoseconds.
#[derive(Clone, Debug)]
pub(crate) enum Small {
    Strict(u32, Vec<(u32, u64)>),
    Nominal(Vec<(u32, u64)>),
    Log(Vec<(u32, u64)>),
    /// Sub-windows, and the bits of a unit and of the ticks in a sub-window.
    Counter([u32; 3], Vec<(u32, u64)>),
}

/// The specification counts in these: whole intervals wherever a word can hold the interval at all.
pub(crate) const PART: u64 = 512;

impl Small {
    fn rules(&self) -> &[(u32, u64)] {
        match self {
            Small::Strict(_, rules)
            | Small::Nominal(rules)
            | Small::Log(rules)
            | Small::Counter(_, rules) => rules,
        }
    }

    pub(crate) fn policy(&self) -> Policy {
        let quota = |&(limit, window): &(u32, u64)| Quota::new(limit, Duration::from_nanos(window));
        let quotas: Vec<Quota> = self.rules().iter().map(quota).collect();
        Policy::new(&quotas).unwrap()
    }

    /// Of a counter, if it fits.
    pub(crate) fn plan(&self) -> Option<CounterPlan> {
        let Small::Counter([sub_windows, unit_bits, tick_bits], _) = *self else { return None };
        CounterPlan::shaped(&self.policy(), sub_windows, unit_bits, tick_bits)
    }

    pub(crate) fn build(&self) -> (Box<dyn Algorithm>, Words) {
        let policy = self.policy();
        Words::of(|| -> Box<dyn Algorithm> {
            match self {
                Small::Strict(burst, _) => Box::new(TokenBucket::with_burst(policy, *burst).unwrap()),
                Small::Nominal(_) => Box::new(TokenBucket::nominal(policy).unwrap()),
                Small::Log(_) => Box::new(SlidingLog::new(policy).unwrap()),
                Small::Counter(..) => Box::new(WindowCounter::from(self.plan().unwrap())),
            }
        })
    }

    /// The specification may call a multiple of this 0.
    pub(crate) fn grid(&self) -> u64 {
        self.plan().map_or(1, |plan| u64::try_from(plan.sub_window().as_nanos()).unwrap())
    }

    fn spec(&self) -> Spec {
        let rule = |&(limit, window): &(u32, u64)| Rule { limit: u64::from(limit), window: window * PART };
        let rules: Vec<Rule> = self.rules().iter().map(rule).collect();
        match self {
            Small::Strict(burst, _) => Spec::strict(&rules, u64::from(*burst)),
            Small::Nominal(_) => Spec::buckets(&rules),
            Small::Log(_) => Spec::log(&rules),
            Small::Counter(..) => Spec::counts(&rules, counting(&self.plan().unwrap(), PART)),
        }
    }

    pub(crate) fn burst(&self) -> u32 {
        match self {
            Small::Strict(burst, _) => *burst,
            Small::Nominal(_) | Small::Log(_) | Small::Counter(..) => {
                self.rules().iter().map(|rule| rule.0).min().unwrap()
            }
        }
    }

    pub(crate) fn longest(&self) -> u64 {
        self.rules().iter().map(|rule| rule.1).max().unwrap()
    }

    /// The last instant that a refusal promises: time stands still there.
    pub(crate) fn end(&self) -> u64 {
        if let Some(plan) = self.plan() {
            return u64::try_from(plan.lasts().saturating_sub(plan.tick()).as_nanos()).unwrap();
        }
        // A full burst, so that the next permit comes one interval later, or when the burst has left its window.
        let promised = |now: u64| {
            let (limiter, _) = self.build();
            assert_eq!(perform(&*limiter, Call::Take { now, n: self.burst() }), Reply::Granted);
            match perform(&*limiter, Call::Take { now, n: 1 }) {
                Reply::Denied { retry, .. } => retry,
                other => panic!("{self:?} has more than its burst at {now}: {other:?}"),
            }
        };
        let (mut told, mut untold) = (0, u64::MAX);
        while untold - told > 1 {
            let middle = told + (untold - told) / 2;
            if promised(middle).is_some() { told = middle } else { untold = middle }
        }
        promised(told).unwrap()
    }
}

/// Which instants a walk knows.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    /// What the specification calls 0: it is in nanoseconds from here.
    pub(crate) from: u64,
    pub(crate) instants: Vec<u64>,
    /// Time stands still from here on.
    pub(crate) end: u64,
}

impl Span {
    /// The answer to `call` in the limiter's terms.
    fn answer(&self, spec: &mut Spec, call: Call) -> Reply {
        let inside = |now: u64| (now.min(self.end) - self.from) * PART;
        let outside = |instant: u64| self.from + instant.div_ceil(PART);
        match call {
            Call::Take { now, n } => self.decision(spec.answer(Call::Take { now: inside(now), n })),
            Call::Peek { now, n } => self.decision(spec.answer(Call::Peek { now: inside(now), n })),
            Call::Status { now } => match spec.answer(Call::Status { now: inside(now) }) {
                Reply::Status(quotas) => Reply::Status(
                    quotas
                        .into_iter()
                        .map(|(remaining, reset)| match outside(reset) {
                            _ if reset <= inside(now) => (remaining, now),
                            reset if reset > self.end => (remaining, u64::MAX),
                            reset => (remaining, reset),
                        })
                        .collect(),
                ),
                reply => reply,
            },
            Call::Grant { .. } | Call::Undo { .. } => unreachable!("the walk undoes grants by itself"),
        }
    }

    fn decision(&self, reply: Reply) -> Reply {
        let outside = |instant: u64| self.from + instant.div_ceil(PART);
        match reply {
            Reply::Denied { quota, retry } => {
                Reply::Denied { quota, retry: retry.map(outside).filter(|&retry| retry <= self.end) }
            }
            reply => reply,
        }
    }
}

/// The states visited, if each call in each of them is answered as specified, and
/// - a reading, a look ahead, a call for nothing and an impossible one leave every bit as it was, and a refusal every bit
///   but what it remembers;
/// - a grant that is handed back leaves no bit, and one that is not the latest, or cannot be handed back, every bit;
/// - equal words mean equal states, and where `one_spelling`, the reverse.
pub(crate) fn visit(small: &Small, span: &Span, one_spelling: bool) -> usize {
    let (limiter, words) = small.build();
    let mut known: HashMap<Vec<u64>, Spec> = HashMap::new();
    let mut spelled: HashMap<Spec, Vec<u64>> = HashMap::new();
    let mut open = vec![(words.read(), small.spec())];
    while let Some((state, spec)) = open.pop() {
        if let Some(known) = known.get(&state) {
            assert_eq!(*known, spec, "{small:?}: two states in {state:x?}");
            continue;
        }
        known.insert(state.clone(), spec.clone());
        let spelling = spelled.entry(spec.clone()).or_insert_with(|| state.clone());
        assert!(!one_spelling || *spelling == state, "{small:?}: {spelling:x?} and {state:x?} are {spec:?}");
        for &now in &span.instants {
            let calls = (0..=small.burst() + 1).map(|n| Call::Take { now, n });
            for call in calls.chain([Call::Status { now }]) {
                let mut spec = spec.clone();
                let expected = span.answer(&mut spec, call);
                words.set(&state);
                let reply = perform(&*limiter, call);
                assert_eq!(reply, expected, "{small:?}: {call:?} in {state:x?}, {spec:?}");
                let after = words.read();
                let grants = reply == Reply::Granted && matches!(call, Call::Take { n: 1.., .. });
                let remembers = matches!(call, Call::Take { n: 1, .. });
                assert!(
                    grants || after == state || remembers && words.same_but_for_memory(&state, &after),
                    "{small:?}: {call:?} changed {state:x?} to {after:x?}"
                );
                if let Call::Take { n, .. } = call {
                    look_and_hand_back(small, &*limiter, &words, (&state, &after), (now, n));
                }
                if after != state {
                    open.push((after, spec.newest()));
                }
            }
        }
    }
    known.len()
}

/// A call for `n` at `now` takes the limiter from the first state to the second.
fn look_and_hand_back(
    small: &Small,
    limiter: &dyn Algorithm,
    words: &Words,
    (before, after): (&[u64], &[u64]),
    (now, n): (u64, u32),
) {
    let at = Nanos::from_nanos(now);
    let text = || format!("{small:?}: {n} at {now} in {before:x?}");
    words.set(before);
    let ahead = limiter.peek_at(at, n);
    assert_eq!(words.read(), before, "{}", text());
    let granted = limiter.try_grant_at(at, n);
    assert_eq!(words.read(), after, "{}", text());
    assert_eq!(ahead, granted.as_ref().map(drop).map_err(|&denied| denied), "{}", text());
    let Ok(grant) = granted else { return };
    let undone = grant.undo();
    let in_one_word = n > 0 && before.len() == 1 && !matches!(small, Small::Log(_));
    assert_eq!(undone, in_one_word, "{}", text());
    assert_eq!(words.read(), if undone { before } else { after }, "{}", text());
    // A receipt undoes as much as the grant does.
    words.set(before);
    let Ok(grant) = limiter.try_grant_at(at, n) else { unreachable!("as before") };
    assert_eq!(limiter.undo_receipt(grant.into_receipt()), undone, "{}", text());
    assert_eq!(words.read(), if undone { before } else { after }, "{}", text());
    // Another grant after it, if there is room, and it is the latest no more.
    words.set(before);
    let Ok(grant) = limiter.try_grant_at(at, n) else { unreachable!("as before") };
    if n > 0 && limiter.try_acquire_at(at, 1).is_ok() {
        let latest = words.read();
        assert!(!grant.undo(), "{}", text());
        assert_eq!(words.read(), latest, "{}", text());
    }
}
