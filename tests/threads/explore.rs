//! Runs a model's threads, again and again.

use std::fmt;
use std::sync::Barrier;
use std::thread;

use crate::model::{Failure, Heard, Model, Outcomes};
use crate::spec::Call;
use crate::subject::perform_all;

/// How often each model is run. Miri does it once for each seed.
const RUNS: usize = if cfg!(miri) { 1 } else { 1_000 };

pub(crate) struct Explored {
    outcomes: Outcomes,
}

impl Explored {
    /// The threads are, whether their calls meet or not.
    #[expect(clippy::unused_self, reason = "the model checkers know better")]
    pub(crate) fn several(&self) -> bool {
        true
    }
}

impl fmt::Display for Explored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} outcomes in {RUNS} runs", self.outcomes.all().len())
    }
}

pub(crate) fn explore(model: &Model) -> Result<Explored, Failure> {
    let Model { subject, threads, after, .. } = *model;
    let mut outcomes = Outcomes::default();
    for _ in 0..RUNS {
        let limiter = subject.build();
        let mut spec = subject.spec();
        let before = model.begin(&*limiter, &mut spec);
        let run = |calls: &[Call]| perform_all(&*limiter, calls, &before);
        let start = Barrier::new(threads.len());
        let begin = |calls| {
            start.wait();
            run(calls)
        };
        let heard: Vec<Heard> = thread::scope(|scope| {
            let spawned: Vec<_> = threads.iter().map(|&calls| scope.spawn(move || begin(calls))).collect();
            spawned.into_iter().map(|thread| thread.join().expect("a thread that returns")).collect()
        });
        outcomes.add(&spec, heard, run(after), &|_, _| true)?;
    }
    Ok(Explored { outcomes })
}
