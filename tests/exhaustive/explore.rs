//! Explores a model state by state. Two executions that reach the same state have the same future, so only one of them
//! is continued.

use std::collections::HashMap;
use std::fmt;
use std::hash::{DefaultHasher, Hasher};
use std::rc::Rc;

use crate::fault::{Fault, set_fault};
use crate::memory::{Memory, Step, View};
use crate::model::{Failure, Heard, Model, Outcomes};
use crate::program::{Handover, Point, Program};
use crate::spec::Spec;
use crate::subject::{Limiter, perform_all};
use crate::sync::{Word, alone};

/// How many states there are, and executions through them.
#[derive(Debug)]
pub(crate) struct Explored {
    pub(crate) states: usize,
    pub(crate) executions: u128,
    /// What the threads were answered, and what was answered when all were done.
    pub(crate) outcomes: Outcomes,
}

impl Explored {
    pub(crate) fn several(&self) -> bool {
        self.executions > 1 && self.outcomes.all().len() > 1
    }
}

impl fmt::Display for Explored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Explored { states, executions, outcomes } = self;
        let outcomes = outcomes.all().len();
        write!(f, "{outcomes} outcomes of {executions} executions taken, through {states} states")
    }
}

/// The most threads of a model.
const THREADS: usize = 4;

#[derive(Clone)]
struct State {
    /// `None` where there are fewer.
    threads: [Option<Point>; THREADS],
    /// Of a thread that is not done.
    views: [Option<View>; THREADS],
    memory: Rc<Memory>,
    /// The thread that has only read since the last switch, and goes on.
    reading: Option<usize>,
}

impl State {
    fn is_done(&self, program: &Program<'_>) -> bool {
        self.threads.iter().flatten().all(|&point| program.next(point).is_none())
    }

    /// 128 bits of hash. That two of a billion states share them has a chance of 1 in 10^20.
    fn key(&self) -> u128 {
        let mut bytes = Vec::with_capacity(512);
        for (point, view) in self.threads.iter().flatten().zip(&self.views) {
            bytes.extend_from_slice(&point.to_le_bytes());
            bytes.extend_from_slice(&view.unwrap_or_default());
        }
        bytes.push(self.reading.map_or(u8::MAX, |thread| u8::try_from(thread).expect("few threads")));
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
    executions: u128,
}

/// What happens when all threads are done.
struct End<'a> {
    model: &'a Model,
    limiter: &'a Limiter,
    spec: Spec,
    handover: Option<Handover>,
    outcomes: Outcomes,
}

/// Which executions are taken for one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reduction {
    /// Those that differ only in when a thread reads. A step that only reads changes what its own thread knows, and
    /// what it may read now, it may still read after a step of another; so it can be moved to the next write of
    /// its thread, and threads are switched only after writes. (Before and after a step that must be fresh, too.)
    ///
    /// And those that differ only in what was read before a lost race (`program.rs`).
    Full,
    None,
}

pub(crate) fn explore(model: &Model) -> Result<Explored, Failure> {
    explore_with(model, None, Reduction::Full, None)
}

/// Explores the model with one site broken.
pub(crate) fn explore_broken(model: &Model, fault: Fault) -> Result<Explored, Failure> {
    explore_with(model, Some(fault), Reduction::Full, None)
}

pub(crate) fn explore_with(
    model: &Model,
    fault: Option<Fault>,
    reduction: Reduction,
    handover: Option<Handover>,
) -> Result<Explored, Failure> {
    set_fault(fault);
    let mut spec = model.subject.spec();
    let mut values = Vec::new();
    let limiter = alone(&mut values, || {
        let limiter = model.subject.build();
        let before = model.begin(&*limiter, &mut spec);
        (limiter, before)
    });
    let (limiter, before) = limiter.ok_or(Failure::Endless)?;
    let told = handover.and_then(|handover| alone(&mut values, || (handover, Word::new(0))));
    let mut program = Program::new(&*limiter, &before, model.threads, reduction == Reduction::Full, told);
    let mut threads = [None; THREADS];
    for (thread, point) in threads.iter_mut().enumerate().take(model.threads.len()) {
        *point = Some(program.start(thread)?);
    }
    let views = threads.map(|point| point.map(|_| View::default()));
    let start = State { threads, views, memory: Rc::new(Memory::new(&values)), reading: None };
    let mut end = End { model, limiter: &*limiter, spec, handover, outcomes: Outcomes::default() };

    // How many executions go on from each state. None comes back to a state: each step makes the answers or the pauses
    // of its thread more.
    let mut explored: HashMap<u128, u128> = HashMap::new();
    if start.is_done(&program) {
        end.is_explained(&start, &program)?;
        return Ok(Explored { states: 1, executions: 1, outcomes: end.outcomes });
    }
    let mut way =
        vec![Visit { key: start.key(), left: after(&start, &mut program, reduction)?, executions: 0 }];
    loop {
        let visit = way.last_mut().expect("the start is left at the end");
        let Some(state) = visit.left.pop() else {
            let Visit { key, executions, .. } = way.pop().expect("the same");
            explored.insert(key, executions);
            let Some(before) = way.last_mut() else {
                return Ok(Explored { states: explored.len(), executions, outcomes: end.outcomes });
            };
            before.executions = before.executions.saturating_add(executions);
            continue;
        };
        let key = state.key();
        if let Some(executions) = explored.get(&key) {
            visit.executions = visit.executions.saturating_add(*executions);
            continue;
        }
        let left = after(&state, &mut program, reduction)?;
        let executions = if state.is_done(&program) {
            end.is_explained(&state, &program)?;
            1
        } else {
            0
        };
        way.push(Visit { key, left, executions });
    }
}

/// The states that one step of one thread leads to.
fn after(state: &State, program: &mut Program<'_>, reduction: Reduction) -> Result<Vec<State>, Failure> {
    let mut states = Vec::new();
    for (thread, &point) in state.threads.iter().flatten().enumerate() {
        let (Some(step), Some(view)) = (program.next(point), state.views[thread]) else { continue };
        if state.reading.is_some_and(|reading| reading != thread) {
            continue;
        }
        let mut failed = Ok(());
        state.memory.outcomes(step, view, |answer, view, memory| {
            if program.hears_nothing(step, answer) {
                return;
            }
            let point = match program.then(point, answer) {
                Ok(point) => point,
                Err(failure) => {
                    failed = Err(failure);
                    return;
                }
            };
            let mut next = state.clone();
            next.threads[thread] = Some(point);
            let then = program.next(point);
            next.views[thread] = then.map(|_| view);
            let reads_on = memory.is_none() && !step.is_fresh() && then.is_some_and(|then| !then.is_fresh());
            next.reading = (reads_on && reduction == Reduction::Full).then_some(thread);
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
        let heard: Vec<Heard> = state.threads.iter().flatten().map(|&point| program.heard(point)).collect();
        let finally = alone(&mut state.memory.values(), || perform_all(self.limiter, self.model.after, &[]));
        let finally = finally.ok_or(Failure::Endless)?;
        let may = |next: usize, left: &[usize]| {
            let made = |thread: usize| self.model.threads[thread].len() - left[thread];
            self.handover.is_none_or(|handover| handover.allows(next, made))
        };
        self.outcomes.add(&self.spec, heard, finally, &may)
    }
}
