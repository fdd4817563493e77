//! What is replayed: the requests as the limiters see them.

mod clients;
mod workload;

pub use clients::Clients;
pub use workload::Workload;

use crate::log::Summary;

/// One request of a workload or of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Nanoseconds since the origin of the traffic.
    pub nanos: u64,
    /// `None` if nobody knows.
    pub client: Option<u64>,
}

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
    /// The last midnight at or before the first event, in nanoseconds of the log. The limiters' clocks start
    /// there: a log in Unix time stays far from the end of their clocks, and fixed windows still begin on the hour.
    pub origin: u64,
    /// The clients; none if the log does not tell.
    pub clients: Clients,
    /// How the log was understood that it comes from.
    pub log: Option<Summary>,
    /// A limiter for each client, or one for all.
    pub per_client: bool,
}

const DAY: u64 = 86_400_000_000_000;

impl Traffic {
    /// Events in order of time, one permit each.
    pub fn new(title: impl Into<String>, events: &[Event], per_client: bool) -> Traffic {
        let mut clients = Clients::default();
        let steps = events.iter().map(|event| {
            let client = event.client.map_or(0, |client| clients.place(&client.to_string()));
            Step { at: event.nanos, client, cost: 1 }
        });
        let steps = steps.collect();
        Traffic { per_client, ..Traffic::of(title, steps, clients) }
    }

    /// Steps in order of time, whose times count from any origin.
    pub(crate) fn of(title: impl Into<String>, mut steps: Vec<Step>, clients: Clients) -> Traffic {
        let origin = steps.first().map_or(0, |step| step.at / DAY * DAY);
        for step in &mut steps {
            step.at -= origin;
        }
        Traffic { title: title.into(), steps, origin, clients, log: None, per_client: false }
    }

    /// Whether requests cost what the log says, and not one permit each.
    pub fn has_costs(&self) -> bool {
        self.log.as_ref().is_some_and(|log| log.cost.is_some())
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

/// Nanoseconds as the shortest decimal seconds that are exact.
pub fn seconds(nanos: u64) -> String {
    let text = format!("{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// An instant for people: a date, if it seems to count from 1970, and else seconds.
pub fn instant(nanos: u64) -> String {
    match jiff::Timestamp::from_nanosecond(nanos.into()) {
        // 1980, or 3652 days since the trace began.
        Ok(timestamp) if nanos >= 3_652 * DAY => timestamp.to_string(),
        _ => format!("{} s", seconds(nanos)),
    }
}
