//! A model is a limiter and a few threads that call it. Exploring it runs every execution that loom knows of and
//! checks that the replies have a sequential explanation.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::spec::{Call, Reply, explained};
use crate::subject::{Subject, perform};
use crate::sync::{self, Fault};

pub(crate) struct Model {
    pub(crate) name: &'static str,
    pub(crate) subject: Subject,
    /// Calls made before the threads start.
    pub(crate) before: &'static [Call],
    pub(crate) threads: &'static [&'static [Call]],
    /// Calls made when all threads are done: they show what state was left.
    pub(crate) after: &'static [Call],
    /// The most preemptions in one execution; `None` explores all.
    pub(crate) bound: Option<usize>,
}

/// Why a model failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// No sequential order explains these replies, thread by thread.
    Unexplained(String),
    /// A thread went on and on.
    Endless,
    /// Something else panicked.
    Panicked(String),
}

/// The least bound of a deeper run: `MODEL_BOUND=3 cargo test --release --test loom three`.
fn asked_bound() -> usize {
    std::env::var("MODEL_BOUND").ok().and_then(|bound| bound.parse().ok()).unwrap_or(0)
}

type Heard = Vec<(Call, Reply)>;

impl Model {
    /// Every execution is linearizable, and there are several.
    pub(crate) fn holds(&self) {
        match self.explore(None) {
            Ok(executions) => {
                println!("{}: {executions} executions", self.name);
                assert!(executions > 1, "{}: nothing is concurrent", self.name);
            }
            Err(failure) => panic!("{}: {failure:?}", self.name),
        }
    }

    /// The number of executions, or the first failure.
    pub(crate) fn explore(&self, fault: Option<Fault>) -> Result<usize, Failure> {
        let executions = Arc::new(AtomicUsize::new(0));
        let model = self.body(Arc::clone(&executions));
        let mut builder = loom::model::Builder::new();
        // Set here what the environment could set: a limit ends an exploration silently.
        builder.max_permutations = None;
        builder.max_duration = None;
        builder.checkpoint_file = None;
        builder.max_branches = 4_000;
        builder.preemption_bound = self.bound.map(|bound| bound.max(asked_bound()));
        sync::set_fault(fault);
        let outcome = catch_unwind(AssertUnwindSafe(|| builder.check(model)));
        match outcome {
            Ok(()) => Ok(executions.load(Ordering::Relaxed)),
            Err(panic) => Err(match panic.downcast::<Failure>() {
                Ok(failure) => *failure,
                Err(panic) => {
                    let text = panic.downcast_ref::<String>().cloned();
                    let text = text.or(panic.downcast_ref::<&str>().map(ToString::to_string));
                    let text = text.unwrap_or_default();
                    if text.contains("maximum number of branches") {
                        Failure::Endless
                    } else {
                        Failure::Panicked(text)
                    }
                }
            }),
        }
    }

    fn body(&self, executions: Arc<AtomicUsize>) -> impl Fn() + Send + Sync + 'static {
        let Model { subject, before, threads, after, .. } = *self;
        let explained_before: Mutex<HashSet<(Vec<Heard>, Heard)>> = Mutex::default();
        move || {
            executions.fetch_add(1, Ordering::Relaxed);
            let limiter = Arc::new(subject.build());
            let mut spec = subject.spec();
            for &call in before {
                assert_eq!(perform(&**limiter, call), spec.answer(call), "{call:?} before the threads");
            }
            let spawned: Vec<_> = threads[1..]
                .iter()
                .enumerate()
                .map(|(i, calls)| {
                    let limiter = Arc::clone(&limiter);
                    loom::thread::spawn(move || run(&limiter, i + 1, calls))
                })
                .collect();
            let mut heard = vec![run(&limiter, 0, threads[0])];
            heard.extend(spawned.into_iter().map(|thread| thread.join().expect("a thread that returns")));
            let finally: Heard = after.iter().map(|&call| (call, perform(&**limiter, call))).collect();

            let seen = (heard, finally);
            let mut known = explained_before.lock().expect("one thread at a time");
            if !known.contains(&seen) {
                let heard: Vec<&[(Call, Reply)]> = seen.0.iter().map(Vec::as_slice).collect();
                if !explained(&spec, &heard, &seen.1) {
                    // Without the panic hook: a fault is meant to be found.
                    resume_unwind(Box::new(Failure::Unexplained(format!("{seen:?}"))));
                }
                known.insert(seen);
            }
        }
    }
}

/// Makes one thread's calls and records the replies.
fn run(limiter: &Arc<Box<dyn crate::algorithm::Algorithm>>, thread: usize, calls: &[Call]) -> Heard {
    sync::enter_thread(thread);
    calls.iter().map(|&call| (call, perform(&***limiter, call))).collect()
}
