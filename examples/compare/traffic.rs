//! What is replayed: the events as the limiters see them, and what each strategy answered.

use std::collections::HashMap;

use super::trace::Event;

/// One event. Two machine words: the answers of all strategies fit where padding would be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    /// Nanoseconds since [`Traffic::origin`].
    pub(crate) at: u64,
    /// Which client, counted from 0 in order of appearance.
    pub(crate) client: u32,
    /// Bit `i`: strategy `i` granted it.
    pub(crate) granted: u8,
}

/// A workload, ready to be replayed.
#[derive(Debug)]
pub(crate) struct Traffic {
    /// In words, for headings.
    pub(crate) title: String,
    pub(crate) steps: Vec<Step>,
    /// The last midnight at or before the first event, in nanoseconds of the trace. The limiters' clocks start
    /// there: a trace in Unix time stays far from their horizon, and fixed windows still begin on the hour.
    pub(crate) origin: u64,
    /// The client of the trace for each client counted here; empty if the trace has none.
    pub(crate) clients: Vec<u64>,
    /// A limiter for each client, or one for all.
    pub(crate) per_client: bool,
}

const DAY: u64 = 86_400_000_000_000;

impl Traffic {
    pub(crate) fn new(title: String, events: &[Event], per_client: bool) -> Traffic {
        let origin = events.first().map_or(0, |event| event.nanos / DAY * DAY);
        let mut clients = Vec::new();
        let mut places = HashMap::new();
        let steps = events.iter().map(|event| {
            let client = event.client.map_or(0, |client| {
                *places.entry(client).or_insert_with(|| {
                    clients.push(client);
                    u32::try_from(clients.len() - 1).unwrap_or(u32::MAX)
                })
            });
            Step { at: event.nanos - origin, client, granted: 0 }
        });
        let steps = steps.collect();
        Traffic { title, steps, origin, clients, per_client }
    }

    /// How many limiters serve it.
    pub(crate) fn limiters(&self) -> usize {
        if self.per_client { self.clients.len() } else { 1 }
    }

    /// Which limiter serves `step`.
    #[inline]
    pub(crate) fn limiter(&self, step: &Step) -> usize {
        if self.per_client { step.client as usize } else { 0 }
    }

    /// From the first event to the last, in nanoseconds.
    pub(crate) fn span(&self) -> u64 {
        match (self.steps.first(), self.steps.last()) {
            (Some(first), Some(last)) => last.at - first.at,
            _ => 0,
        }
    }
}
