//! Explores a model with loom.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::fault::{Fault, set_fault};
use crate::model::{Failure, Heard, Model, Outcomes};
use crate::spec::Call;
use crate::subject::{Limiter, perform_all};
use crate::sync;

/// The least bound of a deeper run: `MODEL_BOUND=2 cargo test --release --test loom`.
fn asked_bound() -> usize {
    std::env::var("MODEL_BOUND").ok().and_then(|bound| bound.parse().ok()).unwrap_or(0)
}

/// How many executions loom ran.
#[derive(Debug)]
pub(crate) struct Explored(usize);

impl Explored {
    pub(crate) fn several(&self) -> bool {
        self.0 > 1
    }
}

impl fmt::Display for Explored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} executions", self.0)
    }
}

pub(crate) fn explore(model: &Model) -> Result<Explored, Failure> {
    explore_with(model, None)
}

/// Explores the model with one site broken.
pub(crate) fn explore_broken(model: &Model, fault: Fault) -> Result<Explored, Failure> {
    explore_with(model, Some(fault))
}

fn explore_with(model: &Model, fault: Option<Fault>) -> Result<Explored, Failure> {
    let executions = Arc::new(AtomicUsize::new(0));
    let mut builder = loom::model::Builder::new();
    // Set here what the environment could set: a limit ends an exploration silently.
    builder.max_permutations = None;
    builder.max_duration = None;
    builder.checkpoint_file = None;
    builder.max_branches = 4_000;
    builder.preemption_bound = model.bound.map(|bound| bound.max(asked_bound()));
    let body = body(model, Arc::clone(&executions));
    set_fault(fault);
    match catch_unwind(AssertUnwindSafe(|| builder.check(body))) {
        Ok(()) => Ok(Explored(executions.load(Ordering::Relaxed))),
        Err(panic) => Err(match panic.downcast::<Failure>() {
            Ok(failure) => *failure,
            Err(panic) => match Failure::of_panic(&*panic) {
                Failure::Panicked(text) if text.contains("maximum number of branches") => Failure::Endless,
                failure => failure,
            },
        }),
    }
}

/// What loom runs again and again.
fn body(model: &Model, executions: Arc<AtomicUsize>) -> impl Fn() + Send + Sync + 'static {
    let model = Model { ..*model };
    let Model { subject, threads, after, .. } = model;
    let outcomes: Mutex<Outcomes> = Mutex::default();
    move || {
        executions.fetch_add(1, Ordering::Relaxed);
        let limiter = Arc::new(subject.build());
        let mut spec = subject.spec();
        let before = model.begin(&**limiter, &mut spec);
        let spawned: Vec<_> = threads[1..]
            .iter()
            .enumerate()
            .map(|(i, calls)| {
                let (limiter, before) = (Arc::clone(&limiter), before.clone());
                loom::thread::spawn(move || run(&limiter, i + 1, calls, &before))
            })
            .collect();
        let mut heard = vec![run(&limiter, 0, threads[0], &before)];
        heard.extend(spawned.into_iter().map(|thread| thread.join().expect("a thread that returns")));
        let finally = perform_all(&**limiter, after, &[]);

        let mut outcomes = outcomes.lock().expect("one thread at a time");
        if let Err(failure) = outcomes.add(&spec, heard, finally, &|_, _| true) {
            // Without the panic hook: a fault is meant to be found.
            resume_unwind(Box::new(failure));
        }
    }
}

/// Makes one thread's calls and records the replies.
fn run(limiter: &Arc<Box<Limiter>>, thread: usize, calls: &[Call], before: &Heard) -> Heard {
    sync::enter_thread(thread);
    perform_all(&***limiter, calls, before)
}
