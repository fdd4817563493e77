//! What each thread of a model does next, after the answers that it was given. For this, the shipped calls are run again
//! from their start, with one answer more each time.

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use crate::memory::{Answer, Step};
use crate::model::{Failure, Heard};
use crate::spec::{Call, Reply};
use crate::subject::{Limiter, looks_back, perform_after};
use crate::sync::{Progress, Word, answered};

/// Steps after which a call is taken never to end.
const ENDLESS: usize = 400;

/// One thread tells another, by a word of its own, that it has made a call; the other waits for that before one of its.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Handover {
    /// Which thread tells, and after which of its calls.
    pub(crate) tells: (usize, usize),
    /// Which thread waits, and before which of its calls.
    pub(crate) waits: (usize, usize),
}

impl Handover {
    /// Whether `next` may make its next call when each thread has made so many.
    pub(crate) fn allows(self, next: usize, made: impl Fn(usize) -> usize) -> bool {
        (next, made(next)) != self.waits || made(self.tells.0) > self.tells.1
    }
}

/// Where a thread is in its program.
pub(crate) type Point = u32;

struct Place {
    thread: usize,
    /// To the calls before this one.
    replies: Vec<Reply>,
    /// In this call.
    answers: Vec<Answer>,
    /// `None`: all calls are made.
    next: Option<Step>,
    then: HashMap<Answer, Point>,
}

/// What a thread knows at the start of a call is what it was replied; and when it comes back after a lost race,
/// that and how often it has paused in this call (`backoff.rs`). Such places are one, whatever was read before.
#[derive(PartialEq, Eq, Hash)]
struct Known {
    thread: usize,
    replies: Vec<Reply>,
    pauses: u32,
}

pub(crate) struct Program<'a> {
    limiter: &'a Limiter,
    before: &'a [(Call, Reply)],
    calls: &'a [&'a [Call]],
    places: Vec<Place>,
    known: HashMap<Known, Point>,
    /// Whether a pause makes places one.
    forgets: bool,
    handover: Option<(Handover, Word)>,
}

impl<'a> Program<'a> {
    pub(crate) fn new(
        limiter: &'a Limiter,
        before: &'a [(Call, Reply)],
        calls: &'a [&'a [Call]],
        forgets: bool,
        handover: Option<(Handover, Word)>,
    ) -> Program<'a> {
        Program { limiter, before, calls, places: Vec::new(), known: HashMap::new(), forgets, handover }
    }

    pub(crate) fn start(&mut self, thread: usize) -> Result<Point, Failure> {
        self.run(thread, Vec::new(), Vec::new())
    }

    pub(crate) fn next(&self, point: Point) -> Option<Step> {
        self.places[point as usize].next
    }

    /// Whether by this answer to its step a thread that waits hears nothing: as if it had not looked.
    pub(crate) fn hears_nothing(&self, step: Step, answer: Answer) -> bool {
        let told = self.handover.as_ref().map(|(_, told)| told);
        told.is_some_and(|told| matches!(step, Step::Load { at, .. } if told.is_at(at)))
            && answer == Answer::Read(0)
    }

    /// Where the thread at `point` comes by this answer to its step.
    pub(crate) fn then(&mut self, point: Point, answer: Answer) -> Result<Point, Failure> {
        let place = &self.places[point as usize];
        if let Some(&then) = place.then.get(&answer) {
            return Ok(then);
        }
        let mut answers = place.answers.clone();
        answers.push(answer);
        let then = self.run(place.thread, place.replies.clone(), answers)?;
        self.places[point as usize].then.insert(answer, then);
        Ok(then)
    }

    /// The calls of a thread that has made all, and the replies.
    pub(crate) fn heard(&self, point: Point) -> Heard {
        let place = &self.places[point as usize];
        self.calls[place.thread].iter().copied().zip(place.replies.iter().cloned()).collect()
    }

    fn run(
        &mut self,
        thread: usize,
        mut replies: Vec<Reply>,
        mut answers: Vec<Answer>,
    ) -> Result<Point, Failure> {
        if answers.len() > ENDLESS {
            return Err(Failure::Endless);
        }
        loop {
            let known = |pauses| Known { thread, replies: replies.clone(), pauses };
            let Some(&call) = self.calls[thread].get(replies.len()) else {
                return Ok(self.place(Some(known(0)), answers, None, thread, replies));
            };
            match answered(thread, &answers, || self.perform(thread, &replies, call)) {
                Progress::Failed(failure) => return Err(failure),
                Progress::At { step, pauses, paused } => {
                    let known = (paused && self.forgets || answers.is_empty()).then(|| known(pauses));
                    return Ok(self.place(known, answers, Some(step), thread, replies));
                }
                Progress::Replied(reply) => {
                    replies.push(reply);
                    answers.clear();
                }
            }
        }
    }

    /// A call of a thread that was replied this to those before it.
    fn perform(&self, thread: usize, replies: &[Reply], call: Call) -> Reply {
        let number = replies.len();
        let perform = || {
            let mut heard = Heard::new();
            if looks_back(call) {
                heard.extend(self.before.iter().cloned());
                heard.extend(self.calls[thread].iter().copied().zip(replies.iter().cloned()));
            }
            perform_after(self.limiter, call, &heard)
        };
        let Some((handover, told)) = &self.handover else { return perform() };
        if handover.waits == (thread, number) {
            told.load(Ordering::Acquire, false);
        }
        let reply = perform();
        if handover.tells == (thread, number) {
            told.store(1, Ordering::Release);
        }
        reply
    }

    fn place(
        &mut self,
        known: Option<Known>,
        answers: Vec<Answer>,
        next: Option<Step>,
        thread: usize,
        replies: Vec<Reply>,
    ) -> Point {
        let new = Point::try_from(self.places.len()).expect("few places");
        let point = known.map_or(new, |known| *self.known.entry(known).or_insert(new));
        if point == new {
            self.places.push(Place { thread, replies, answers, next, then: HashMap::new() });
        }
        point
    }
}
