//! What is replayed: the requests as the limiters see them.

pub mod trace;
mod workload;

use std::collections::HashMap;

pub use trace::Event;
pub use workload::Workload;

/// One request. Two machine words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Nanoseconds since [`Traffic::origin`].
    pub at: u64,
    /// Which client, counted from 0 in order of appearance.
    pub client: u32,
    /// How many permits it asks for.
    pub cost: u32,
}

/// A workload, ready to be replayed.
#[derive(Debug)]
pub struct Traffic {
    /// In words, for headings.
    pub title: String,
    /// In order of time.
    pub steps: Vec<Step>,
    /// The last midnight at or before the first event, in nanoseconds of the trace. The limiters' clocks start
    /// there: a trace in Unix time stays far from their horizon, and fixed windows still begin on the hour.
    pub origin: u64,
    /// The client of the trace for each client counted here; empty if the trace has none.
    pub clients: Vec<u64>,
    /// A limiter for each client, or one for all.
    pub per_client: bool,
}

const DAY: u64 = 86_400_000_000_000;

impl Traffic {
    /// Events in order of time.
    pub fn new(title: impl Into<String>, events: &[Event], per_client: bool) -> Traffic {
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
            Step { at: event.nanos - origin, client, cost: 1 }
        });
        let steps = steps.collect();
        Traffic { title: title.into(), steps, origin, clients, per_client }
    }

    /// How many limiters serve it.
    pub fn limiters(&self) -> usize {
        if self.per_client { self.clients.len() } else { 1 }
    }

    /// Which limiter serves `step`.
    #[inline]
    pub fn limiter(&self, step: &Step) -> usize {
        if self.per_client { step.client as usize } else { 0 }
    }

    /// From the first event to the last, in nanoseconds.
    pub fn span(&self) -> u64 {
        match (self.steps.first(), self.steps.last()) {
            (Some(first), Some(last)) => last.at - first.at,
            _ => 0,
        }
    }
}
