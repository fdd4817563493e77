//! Explores a model state by state: two executions that come to the same state have the same future, so one of them
//! goes on.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::{DefaultHasher, Hasher};
use std::rc::Rc;

use crate::fault::{Fault, set_fault};
use crate::memory::{Memory, View};
use crate::model::{Failure, Heard, Model};
use crate::program::{Point, Program};
use crate::spec::{Spec, explained};
use crate::subject::perform;
use crate::sync::alone;

/// How many states there are, and executions through them.
#[derive(Debug)]
pub(crate) struct Explored {
    pub(crate) states: usize,
    executions: f64,
    outcomes: usize,
}

impl Explored {
    pub(crate) fn several(&self) -> bool {
        self.executions > 1.0
    }
}

impl fmt::Display for Explored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Explored { states, executions, outcomes } = self;
        write!(f, "{outcomes} outcomes of {executions:.3e} executions through {states} states")
    }
}

#[derive(Clone)]
struct State {
    threads: Vec<Point>,
    /// Of a thread that is not done.
    views: Vec<Option<View>>,
    memory: Rc<Memory>,
}

impl State {
    /// 128 bits of hash. That two of a billion states share them has a chance of 1 in 10^20.
    fn key(&self) -> u128 {
        let mut bytes = Vec::with_capacity(512);
        for (point, view) in self.threads.iter().zip(&self.views) {
            bytes.extend_from_slice(&point.to_le_bytes());
            bytes.extend_from_slice(&view.unwrap_or_default());
        }
        self.memory.spell(&mut bytes);
        let half = |seed: u8| {
            let mut hasher = DefaultHasher::new();
            hasher.write_u8(seed);
            hasher.write(&bytes);
            u128::from(hasher.finish())
        };
        half(0) << 64 | half(1)
    }
}

/// A state on the way to the one that is explored.
struct Visit {
    key: u128,
    /// The states after it that are still to be explored.
    left: Vec<State>,
    executions: f64,
}

/// What happens when all threads are done.
struct End<'a> {
    model: &'a Model,
    limiter: &'a dyn crate::algorithm::Algorithm,
    spec: Spec,
    explained: HashSet<(Vec<Heard>, Heard)>,
}

pub(crate) fn explore(model: &Model, fault: Option<Fault>) -> Result<Explored, Failure> {
    set_fault(fault);
    let mut spec = model.subject.spec();
    let mut values = Vec::new();
    let limiter = alone(&mut values, || {
        let limiter = model.subject.build();
        for &call in model.before {
            assert_eq!(perform(&*limiter, call), spec.answer(call), "{call:?} before the threads");
        }
        limiter
    });
    let mut program = Program::new(&*limiter, model.threads);
    let threads: Vec<Point> =
        (0..model.threads.len()).map(|thread| program.start(thread)).collect::<Result<_, _>>()?;
    let views = vec![Some(View::default()); threads.len()];
    let start = State { threads, views, memory: Rc::new(Memory::new(&values)) };
    let mut end = End { model, limiter: &*limiter, spec, explained: HashSet::new() };

    let mut explored: HashMap<u128, f64> = HashMap::new();
    let mut way = vec![Visit { key: start.key(), left: after(&start, &mut program)?, executions: 0.0 }];
    loop {
        let visit = way.last_mut().expect("the start is left at the end");
        let Some(state) = visit.left.pop() else {
            let Visit { key, executions, .. } = way.pop().expect("the same");
            explored.insert(key, executions);
            let Some(before) = way.last_mut() else {
                return Ok(Explored { states: explored.len(), executions, outcomes: end.explained.len() });
            };
            before.executions += executions;
            continue;
        };
        let key = state.key();
        if let Some(executions) = explored.get(&key) {
            visit.executions += executions;
            continue;
        }
        let left = after(&state, &mut program)?;
        let executions = if left.is_empty() {
            end.is_explained(&state, &program)?;
            1.0
        } else {
            0.0
        };
        way.push(Visit { key, left, executions });
    }
}

/// The states that one step of one thread leads to.
fn after(state: &State, program: &mut Program<'_>) -> Result<Vec<State>, Failure> {
    let mut states = Vec::new();
    for (thread, &point) in state.threads.iter().enumerate() {
        let (Some(step), Some(view)) = (program.next(point), state.views[thread]) else { continue };
        let mut failed = Ok(());
        state.memory.outcomes(step, view, |answer, view, memory| {
            let point = match program.then(point, answer) {
                Ok(point) => point,
                Err(failure) => {
                    failed = Err(failure);
                    return;
                }
            };
            let mut next = state.clone();
            next.threads[thread] = point;
            next.views[thread] = program.next(point).map(|_| view);
            next.memory = memory.map_or(next.memory, Rc::new);
            if next.memory.may_forget(&next.views) {
                Rc::make_mut(&mut next.memory).forget(&mut next.views);
            }
            states.push(next);
        });
        failed?;
    }
    Ok(states)
}

impl End<'_> {
    fn is_explained(&mut self, state: &State, program: &Program<'_>) -> Result<(), Failure> {
        let heard: Vec<Heard> = state.threads.iter().map(|&point| program.heard(point)).collect();
        let finally: Heard = alone(&mut state.memory.values(), || {
            self.model.after.iter().map(|&call| (call, perform(self.limiter, call))).collect()
        });
        let seen = (heard, finally);
        if !self.explained.contains(&seen) {
            let heard: Vec<_> = seen.0.iter().map(Vec::as_slice).collect();
            if !explained(&self.spec, &heard, &seen.1) {
                return Err(Failure::Unexplained(format!("{seen:?}")));
            }
            self.explained.insert(seen);
        }
        Ok(())
    }
}
