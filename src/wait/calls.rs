//! What is owed to others when the lock is free again.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::any::Any;
use core::task::Waker;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// Wakers to be called, and wakers to be dropped. Both run code of others, which may take the lock of the queue, or panic.
/// So they are collected here under the lock, and run when this is dropped: it must be declared before the lock.
///
/// Whatever panics, everybody is called. The first panic goes on to the caller, unless that one is unwinding already.
#[derive(Debug, Default)]
pub(super) struct Calls {
    next: Option<Waker>,
    more: Vec<Waker>,
    /// The waker of the one whose turn it is: cloned before the lock, then the one that it replaced.
    pub(super) spare: Option<Waker>,
    /// The waker of one that has left.
    pub(super) left: Option<Waker>,
}

impl Calls {
    pub(super) fn for_waiter(waker: &Waker) -> Calls {
        let mut calls = Calls::default();
        calls.spare = Some(waker.clone());
        calls
    }

    pub(super) fn call(&mut self, waker: Waker) {
        match self.next {
            None => self.next = Some(waker),
            Some(_) => self.more.push(waker),
        }
    }
}

impl Drop for Calls {
    fn drop(&mut self) {
        let mut panic = None;
        for waker in self.next.take().into_iter().chain(self.more.drain(..)) {
            run(|| waker.wake(), &mut panic);
        }
        for waker in [self.spare.take(), self.left.take()] {
            run(|| drop(waker), &mut panic);
        }
        match panic {
            Some(panic) if !std::thread::panicking() => resume_unwind(panic),
            _ => {}
        }
    }
}

fn run(foreign: impl FnOnce(), first: &mut Option<Box<dyn Any + Send>>) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(foreign)) {
        first.get_or_insert(panic);
    }
}
