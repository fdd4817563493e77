//! Whether a history is linearizable: the search of Wing and Gong, with Lowe's memory of the states that were tried.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::spec::{Call, Reply, Spec};

/// A call that has returned. Of two calls, the one came first if it returned before the other was called.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) called: u64,
    pub(crate) returned: u64,
    pub(crate) call: Call,
    pub(crate) reply: Reply,
}

/// At most 64 events, which happened to a machine that was at `spec` before.
pub(crate) fn linearizable(spec: &Spec, events: &[Event]) -> bool {
    assert!(events.len() <= 64, "the set of events is one word");
    search(spec, events, 0, &mut HashSet::new())
}

fn search(spec: &Spec, events: &[Event], done: u64, tried: &mut HashSet<(u64, u64)>) -> bool {
    let open = || events.iter().enumerate().filter(|&(i, _)| done & (1 << i) == 0);
    let Some(first_return) = open().map(|(_, event)| event.returned).min() else { return true };
    if !tried.insert((done, fingerprint(spec))) {
        return false;
    }
    for (i, event) in open().filter(|(_, event)| event.called < first_return) {
        let mut next = spec.clone();
        if next.answer(event.call) != event.reply {
            continue;
        }
        let explained = search(&next, events, done | (1 << i), tried);
        // What changes nothing and fits here need not be tried later.
        if explained || next == *spec {
            return explained;
        }
    }
    false
}

fn fingerprint(spec: &Spec) -> u64 {
    let mut hasher = DefaultHasher::new();
    spec.hash(&mut hasher);
    hasher.finish()
}
