//! A model is a limiter and a few threads that call it. A checker runs its executions, and checks that the replies of each
//! can be explained: there is one order of all calls in which a sequential limiter gives the same replies. This order keeps
//! the order of each thread. It comes after the calls that were made before the threads, and before those made after
//! them. (`exhaustive/programs.rs` also keeps the order between threads if one tells another of a call. `histories/` keeps
//! the order of real time.)

use std::any::Any;
use std::collections::HashSet;

use crate::explore::explore;
use crate::spec::{Call, Reply, Spec, explained_where};
use crate::subject::{Limiter, Subject, perform_all};

pub(crate) struct Model {
    pub(crate) name: &'static str,
    pub(crate) subject: Subject,
    /// Calls made before the threads start.
    pub(crate) before: &'static [Call],
    pub(crate) threads: &'static [&'static [Call]],
    /// Calls made when all threads are done: they show what state was left.
    pub(crate) after: &'static [Call],
    /// The most preemptions in one execution under loom; `None` explores all, as `exhaustive` does in any case.
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

/// The calls of one thread, and what they were answered.
pub(crate) type Heard = Vec<(Call, Reply)>;

impl Failure {
    pub(crate) fn of_panic(panic: &(dyn Any + Send)) -> Failure {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
        Failure::Panicked(text.unwrap_or_default())
    }
}

/// What was heard, by the threads and when all were done: each once, and each explained.
#[derive(Debug, Default)]
pub(crate) struct Outcomes(HashSet<(Vec<Heard>, Heard)>);

impl Outcomes {
    /// Explains an outcome, if it is new, by one of the orders that `may` allows.
    pub(crate) fn add(
        &mut self,
        spec: &Spec,
        threads: Vec<Heard>,
        finally: Heard,
        may: &dyn Fn(usize, &[usize]) -> bool,
    ) -> Result<(), Failure> {
        let seen = (threads, finally);
        if !self.0.contains(&seen) {
            let threads: Vec<_> = seen.0.iter().map(Vec::as_slice).collect();
            if !explained_where(spec, &threads, &seen.1, may) {
                return Err(Failure::Unexplained(format!("{seen:?}")));
            }
            self.0.insert(seen);
        }
        Ok(())
    }

    pub(crate) fn all(&self) -> &HashSet<(Vec<Heard>, Heard)> {
        &self.0
    }
}

impl Model {
    /// Makes the calls before the threads, which are as specified.
    pub(crate) fn begin(&self, limiter: &Limiter, spec: &mut Spec) -> Heard {
        let heard = perform_all(limiter, self.before, &[]);
        for (call, reply) in &heard {
            let specified = spec.answer(*call);
            assert!(reply.is(&specified), "{call:?} before the threads: {reply:?}, not {specified:?}");
        }
        heard
    }

    /// The replies of every execution can be explained, and there are several.
    pub(crate) fn holds(&self) {
        match explore(self) {
            Ok(explored) => {
                println!("{}: {explored}", self.name);
                assert!(explored.several(), "{}: nothing is concurrent", self.name);
            }
            Err(failure) => panic!("{}: {failure:?}", self.name),
        }
    }
}
