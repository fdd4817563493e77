//! Virtual time: a clock that stands still, a timer that goes by it, and an executor that counts wake-ups.

#![allow(unreachable_pub, reason = "a module of a test binary: nothing is reachable from outside")]

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use tollgate::wait::{AcquireError, FairLimiter, Timer};
use tollgate::{Clock, Manual, Nanos, Policy, RateLimiter, SlidingLog, TokenBucket};

pub type Fair<A> = FairLimiter<A, Manual, VirtualTimer>;

/// Sleeps that end when the clock is moved past them.
#[derive(Clone)]
pub struct VirtualTimer {
    pub clock: Manual,
    sleeps: Arc<Mutex<Sleeps>>,
}

#[derive(Default)]
struct Sleeps {
    made: u64,
    /// Those that are polled and not over: end, number, who is woken.
    armed: Vec<(Nanos, u64, Waker)>,
}

pub struct VirtualSleep {
    id: u64,
    end: Nanos,
    timer: VirtualTimer,
}

impl VirtualTimer {
    fn new(clock: Manual) -> VirtualTimer {
        let sleeps = Sleeps { made: 0, armed: Vec::with_capacity(16) };
        VirtualTimer { clock, sleeps: Arc::new(Mutex::new(sleeps)) }
    }

    fn remove(&self, id: u64) {
        let mut sleeps = self.sleeps.lock().unwrap();
        let armed = sleeps.armed.iter().position(|sleep| sleep.1 == id);
        let removed = armed.map(|armed| sleeps.armed.swap_remove(armed));
        drop(sleeps);
        drop(removed); // with its waker, which may do anything
    }

    /// The end of each sleep on which somebody sleeps, in order.
    pub fn armed(&self) -> Vec<Nanos> {
        let mut ends: Vec<_> = self.sleeps.lock().unwrap().armed.iter().map(|sleep| sleep.0).collect();
        ends.sort_unstable();
        ends
    }

    pub fn first(&self) -> Option<Nanos> {
        self.sleeps.lock().unwrap().armed.iter().map(|sleep| sleep.0).min()
    }

    /// Ends the sleeps whose time has come.
    fn fire(&self) {
        let now = self.clock.now();
        loop {
            let mut sleeps = self.sleeps.lock().unwrap();
            let Some(due) = (0..sleeps.armed.len()).min_by_key(|&i| (sleeps.armed[i].0, sleeps.armed[i].1))
            else {
                return;
            };
            if sleeps.armed[due].0 > now {
                return;
            }
            let (.., waker) = sleeps.armed.swap_remove(due);
            drop(sleeps);
            waker.wake();
        }
    }
}

impl Timer for VirtualTimer {
    type Sleep = VirtualSleep;

    fn sleep(&self, after: Duration) -> VirtualSleep {
        let mut sleeps = self.sleeps.lock().unwrap();
        sleeps.made += 1;
        VirtualSleep { id: sleeps.made, end: self.clock.now().saturating_add(after), timer: self.clone() }
    }

    fn reset(&self, sleep: &mut VirtualSleep, after: Duration) {
        self.remove(sleep.id);
        sleep.end = self.clock.now().saturating_add(after);
    }
}

impl Future for VirtualSleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.timer.remove(self.id);
        if self.timer.clock.now() >= self.end {
            return Poll::Ready(());
        }
        let sleep = (self.end, self.id, context.waker().clone());
        self.timer.sleeps.lock().unwrap().armed.push(sleep);
        Poll::Pending
    }
}

impl Drop for VirtualSleep {
    fn drop(&mut self) {
        self.timer.remove(self.id);
    }
}

/// Counts how often it is woken.
#[derive(Default)]
pub struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Woken {
    /// Since this was last asked.
    pub fn times(&self) -> usize {
        self.0.swap(0, Ordering::Relaxed)
    }
}

struct TaskWaker {
    task: usize,
    wakes: AtomicUsize,
    ready: Arc<Mutex<VecDeque<usize>>>,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.wakes.fetch_add(1, Ordering::Relaxed);
        self.ready.lock().unwrap().push_back(self.task);
    }
}

struct Task {
    /// It is not polled, and its wake-up waits until it is.
    sleeps: bool,
    woken: bool,
    future: Option<Pin<Box<dyn Future<Output = ()>>>>,
    waker: Arc<TaskWaker>,
}

/// What became of a wait, and when.
pub type Outcome = (Nanos, Result<(), AcquireError>);

/// One limiter, its time and the tasks that wait for it.
pub struct World<A: tollgate::Algorithm + 'static> {
    pub limiter: Fair<A>,
    pub timer: VirtualTimer,
    tasks: Vec<Task>,
    ready: Arc<Mutex<VecDeque<usize>>>,
    /// By task, in the order in which they ended.
    pub ended: Rc<RefCell<Vec<(usize, Outcome)>>>,
}

pub fn policy(text: &str) -> Policy {
    text.parse().unwrap()
}

pub fn secs(secs: u64) -> Nanos {
    Nanos::from_secs(secs)
}

/// A bit past that second.
pub fn past(second: u64) -> Nanos {
    secs(second).saturating_add(Duration::from_nanos(1))
}

/// Sleeps for ever, at no cost, and keeps no waker: only the queue does.
pub struct Idle;

pub struct ForEver;

impl Timer for Idle {
    type Sleep = ForEver;

    fn sleep(&self, _: Duration) -> ForEver {
        ForEver
    }
}

impl Future for ForEver {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

impl World<SlidingLog> {
    pub fn exact(text: &str) -> World<SlidingLog> {
        World::new(SlidingLog::new(policy(text)).unwrap())
    }
}

impl World<TokenBucket> {
    pub fn strict(text: &str) -> World<TokenBucket> {
        World::new(TokenBucket::strict(policy(text)).unwrap())
    }
}

impl<A: tollgate::Algorithm + 'static> World<A> {
    pub fn new(algorithm: A) -> World<A> {
        let clock = Manual::new();
        let timer = VirtualTimer::new(clock.clone());
        let limiter = FairLimiter::new(RateLimiter::new(algorithm, clock), timer.clone());
        let ready = Arc::new(Mutex::new(VecDeque::with_capacity(4096)));
        World { limiter, timer, tasks: Vec::new(), ready, ended: Rc::default() }
    }

    /// A task, polled once.
    pub fn spawn(&mut self, future: impl Future<Output = ()> + 'static) -> usize {
        let task = self.tasks.len();
        let waker = Arc::new(TaskWaker { task, wakes: AtomicUsize::new(0), ready: Arc::clone(&self.ready) });
        self.tasks.push(Task { sleeps: false, woken: false, future: Some(Box::pin(future)), waker });
        self.poll(task);
        task
    }

    /// A task that waits for `n` permits and writes down what comes of it.
    pub fn wait(&mut self, n: u32, deadline: Nanos) -> usize {
        let (limiter, ended, task) = (self.limiter.clone(), Rc::clone(&self.ended), self.tasks.len());
        self.spawn(async move {
            let result = limiter.acquire_n(n).by(deadline).await.map(drop);
            ended.borrow_mut().push((task, (limiter.clock().now(), result)));
        })
    }

    pub fn poll(&mut self, task: usize) {
        let Task { sleeps, woken, future, waker } = &mut self.tasks[task];
        if *sleeps {
            *woken = true;
            return;
        }
        let waker = Waker::from(Arc::clone(waker));
        if let Some(running) = future {
            if running.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
                *future = None;
            }
        }
    }

    pub fn put_to_sleep(&mut self, task: usize) {
        self.tasks[task].sleeps = true;
    }

    pub fn wake_up(&mut self, task: usize) {
        self.tasks[task].sleeps = false;
        if self.tasks[task].woken {
            self.tasks[task].woken = false;
            self.poll(task);
        }
    }

    /// Polls whoever was woken, one by one, until nobody is.
    pub fn run(&mut self) {
        while self.step() {}
    }

    fn step(&mut self) -> bool {
        let next = self.ready.lock().unwrap().pop_front();
        next.map(|task| self.poll(task)).is_some()
    }

    pub fn cancel(&mut self, task: usize) {
        self.tasks[task].future = None;
    }

    pub fn wakes(&self, task: usize) -> usize {
        self.tasks[task].waker.wakes.load(Ordering::Relaxed)
    }

    /// Moves the clock and ends what sleeps until then, but runs nobody.
    pub fn set(&self, to: Nanos) {
        self.timer.clock.set(to);
        self.timer.fire();
    }

    /// Lives until `to`.
    pub fn live_until(&mut self, to: Nanos) {
        self.run();
        while let Some(at) = self.timer.first().filter(|&at| at <= to) {
            self.set(at);
            self.run();
        }
        self.set(to);
        self.run();
    }

    /// Who was granted, in order, and when, in seconds.
    pub fn granted(&self) -> Vec<(usize, u64)> {
        let ended = self.ended.borrow();
        let granted = ended.iter().filter(|(_, (_, result))| result.is_ok());
        granted.map(|&(task, (at, _))| (task, at.as_nanos() / 1_000_000_000)).collect()
    }

    pub fn outcome(&self, task: usize) -> Option<Outcome> {
        self.ended.borrow().iter().find(|ended| ended.0 == task).map(|ended| ended.1)
    }

    pub fn waiting_tasks(&self) -> usize {
        self.tasks.iter().filter(|task| task.future.is_some()).count()
    }

    /// Nobody waits, and nothing of those who did is left.
    pub fn is_clean(&self) -> bool {
        self.limiter.waiting() == 0 && self.timer.armed().is_empty()
    }
}
