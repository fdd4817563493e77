//! Memory as the orderings allow it. Each location is a list of messages. A thread may read any message that it does not
//! know to be replaced.
//!
//! A thread has a view: for each location, the oldest message that it may still read. A message has a view, too. It is that
//! of its writer, if the write was a release. A read-modify-write adds the view of the message that it replaces (the release
//! sequence). A thread that acquires a message takes over its view.
//!
//! This is the machine of J. Kang et al., "A Promising Semantics for Relaxed-Memory Concurrency" (POPL 2017), without
//! promises: no value is read before it is written, as in loom. (Nearly all writes of the cores are releases. The others
//! are exchanges of the one location that decides.) A write is always the last one at its location. This loses nothing where
//! all writes are read-modify-writes, as in the cores, or where there is only one, as in a handover. There are no
//! sequentially consistent operations and no fences, because the cores use none.

use std::sync::atomic::Ordering;

/// The most locations of a limiter, and one for a handover.
const LOCATIONS: usize = 20;

/// For each location, which message.
pub(crate) type View = [u8; LOCATIONS];

/// What a thread does next.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// `fresh`: no message but the last.
    Load {
        at: usize,
        order: Ordering,
        fresh: bool,
    },
    Store {
        at: usize,
        value: u64,
        order: Ordering,
    },
    CompareExchange {
        at: usize,
        old: u64,
        new: u64,
        success: Ordering,
        failure: Ordering,
    },
    FetchMax {
        at: usize,
        value: u64,
        order: Ordering,
    },
}

impl Step {
    pub(crate) fn is_fresh(self) -> bool {
        matches!(self, Step::Load { fresh: true, .. })
    }
}

/// What it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Answer {
    Read(u64),
    Done,
    /// An exchange has read something else.
    Failed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Message {
    value: u64,
    view: View,
}

/// All messages, location by location, and where those of each location end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Memory {
    messages: Vec<Message>,
    ends: Vec<u8>,
}

fn join(a: View, b: View) -> View {
    std::array::from_fn(|at| a[at].max(b[at]))
}

fn acquires(order: Ordering) -> bool {
    match order {
        Ordering::Acquire | Ordering::AcqRel => true,
        Ordering::Relaxed | Ordering::Release => false,
        _ => unimplemented!("{order:?}"),
    }
}

fn releases(order: Ordering) -> bool {
    match order {
        Ordering::Release | Ordering::AcqRel => true,
        Ordering::Relaxed | Ordering::Acquire => false,
        _ => unimplemented!("{order:?}"),
    }
}

impl Memory {
    /// One message at each location, which everybody knows.
    pub(crate) fn new(values: &[u64]) -> Memory {
        assert!(values.len() <= LOCATIONS, "{} locations", values.len());
        let messages = values.iter().map(|&value| Message { value, view: View::default() }).collect();
        Memory { messages, ends: (1..).take(values.len()).collect() }
    }

    /// The last value at each location.
    pub(crate) fn values(&self) -> Vec<u64> {
        self.ends.iter().map(|&end| self.messages[usize::from(end) - 1].value).collect()
    }

    /// All there is, as bytes.
    pub(crate) fn spell(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.ends);
        for message in &self.messages {
            bytes.extend_from_slice(&message.value.to_le_bytes());
            bytes.extend_from_slice(&message.view[..self.ends.len()]);
        }
    }

    fn at(&self, at: usize) -> &[Message] {
        let start = at.checked_sub(1).map_or(0, |before| usize::from(self.ends[before]));
        &self.messages[start..usize::from(self.ends[at])]
    }

    /// What can come of `step`, of a thread with this view: the answer, its view and the memory afterwards, if it is
    /// not the same.
    pub(crate) fn outcomes(
        &self,
        step: Step,
        view: View,
        mut outcome: impl FnMut(Answer, View, Option<Memory>),
    ) {
        match step {
            Step::Load { at, order, fresh } => {
                let messages = self.at(at);
                let first = if fresh { messages.len() - 1 } else { usize::from(view[at]) };
                for (i, message) in messages.iter().enumerate().skip(first) {
                    outcome(Answer::Read(message.value), read(view, at, i, message, order), None);
                }
            }
            Step::Store { at, value, order } => {
                let (view, memory) = self.write(at, value, order, view, View::default());
                outcome(Answer::Done, view, Some(memory));
            }
            Step::CompareExchange { at, old, new, success, failure } => {
                let messages = self.at(at);
                let last = &messages[messages.len() - 1];
                if last.value == old {
                    let view = read(view, at, messages.len() - 1, last, success);
                    let (view, memory) = self.write(at, new, success, view, last.view);
                    outcome(Answer::Done, view, Some(memory));
                }
                // Which one is not told. Whoever knows less may do all that it may who knows more: the first of
                // them is enough, for what comes after.
                let mut failing = messages
                    .iter()
                    .enumerate()
                    .skip(view[at].into())
                    .filter(|(_, message)| message.value != old);
                if let Some((i, message)) = failing.next() {
                    assert!(!acquires(failure), "the others would differ");
                    outcome(Answer::Failed, read(view, at, i, message, failure), None);
                }
            }
            Step::FetchMax { at, value, order } => {
                let messages = self.at(at);
                let last = &messages[messages.len() - 1];
                let view = read(view, at, messages.len() - 1, last, order);
                let (view, memory) = self.write(at, value.max(last.value), order, view, last.view);
                outcome(Answer::Done, view, Some(memory));
            }
        }
    }

    /// The view of a thread that has written, and the memory.
    fn write(
        &self,
        at: usize,
        value: u64,
        order: Ordering,
        mut view: View,
        replaced: View,
    ) -> (View, Memory) {
        view[at] = index(self.at(at).len());
        let mut carried = if releases(order) { join(view, replaced) } else { replaced };
        carried[at] = view[at];
        let mut memory = self.clone();
        memory.messages.insert(self.ends[at].into(), Message { value, view: carried });
        for end in &mut memory.ends[at..] {
            *end = end.checked_add(1).expect("few messages");
        }
        (view, memory)
    }

    /// Whether nobody may read some message any more. A thread that is done has no view.
    pub(crate) fn may_forget(&self, views: &[Option<View>]) -> bool {
        (0..self.ends.len()).any(|at| self.oldest(at, views) > 0)
    }

    /// Forgets such messages, so that states that have the same future are equal.
    pub(crate) fn forget(&mut self, views: &mut [Option<View>]) {
        for at in 0..self.ends.len() {
            let oldest = self.oldest(at, views);
            if oldest == 0 {
                continue;
            }
            let start = usize::from(self.ends[at]) - self.at(at).len();
            self.messages.drain(start..start + usize::from(oldest));
            for end in &mut self.ends[at..] {
                *end -= oldest;
            }
            let carried = self.messages.iter_mut().map(|message| &mut message.view);
            for view in views.iter_mut().flatten().chain(carried) {
                view[at] = view[at].saturating_sub(oldest);
            }
        }
    }

    /// The oldest message that somebody may still read.
    fn oldest(&self, at: usize, views: &[Option<View>]) -> u8 {
        let oldest = views.iter().flatten().map(|view| view[at]).min();
        oldest.unwrap_or_else(|| index(self.at(at).len() - 1))
    }
}

/// The view of a thread that has read `message`, the `i`th at its location.
fn read(mut view: View, at: usize, i: usize, message: &Message, order: Ordering) -> View {
    view[at] = view[at].max(index(i));
    if acquires(order) { join(view, message.view) } else { view }
}

fn index(message: usize) -> u8 {
    u8::try_from(message).expect("few writes to one location")
}
