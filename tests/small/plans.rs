//! The worst case of a plan is exactly what the fullest window of all histories holds.

use std::collections::HashMap;

use crate::algorithm::{Algorithm, Plan};
use crate::spec::{Call, Reply};
use crate::subject::perform;
use crate::sync::Words;
use crate::walk::Small;

/// All histories of one bucket in one window.
struct Window<'a> {
    limiter: &'a dyn Algorithm,
    words: &'a Words,
    burst: u32,
    end: u64,
    /// The most permits that are granted from an instant on, by the state before.
    most: HashMap<(u64, Vec<u64>), u64>,
}

impl Window<'_> {
    fn most_from(&mut self, now: u64, state: &[u64]) -> u64 {
        if now == self.end {
            return 0;
        }
        if let Some(&most) = self.most.get(&(now, state.to_vec())) {
            return most;
        }
        let mut most = self.most_from(now + 1, state);
        for n in 1..=self.burst {
            self.words.set(state);
            if perform(self.limiter, Call::Take { now, n }) == Reply::Granted {
                let after = self.words.read();
                // More at the same instant is one call for more.
                most = most.max(u64::from(n) + self.most_from(now + 1, &after));
            }
        }
        self.most.insert((now, state.to_vec()), most);
        most
    }
}

/// Every plan of two quotas for a few permits in a few nanoseconds: whole ones, and parts of one.
#[test]
fn no_history_exceeds_a_bound_and_one_reaches_it() {
    let mut checked = 0;
    for (limits, windows) in [((1..=4), (1..=8)), ((2..=6), (5..=12))] {
        let rules: Vec<(u32, u64)> =
            limits.flat_map(|limit| windows.clone().map(move |window| (limit, window))).collect();
        for (&a, &b) in rules.iter().flat_map(|a| rules.iter().map(move |b| (a, b))) {
            for burst in 1..=a.0.min(b.0) {
                let small = Small::Strict(burst, vec![a, b]);
                if a.1 == b.1 || Plan::with_burst(small.policy(), burst).is_err() {
                    continue;
                }
                let plan = Plan::with_burst(small.policy(), burst).unwrap();
                for (quota, (limit, window)) in [a, b].into_iter().enumerate() {
                    let (limiter, words) = small.build();
                    let idle = words.read();
                    let most = HashMap::new();
                    let mut all = Window { limiter: &*limiter, words: &words, burst, end: window, most };
                    let most = all.most_from(0, &idle);
                    let bound = u64::from(plan.worst_case(quota).unwrap());
                    assert!(bound <= u64::from(limit), "{small:?}: {bound}");
                    assert_eq!(most, bound, "{small:?}");
                    checked += 1;
                }
            }
        }
    }
    println!("{checked} bounds");
}
