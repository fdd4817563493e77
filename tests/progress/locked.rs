//! The contrast: a thread that is stopped inside a locked decision stops the others.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use tollgate::reference::{Locked, Machine};
use tollgate::{Algorithm, Denied, Nanos, Policy, QuotaStatus, Status};

/// Stops in its first decision until it is released.
#[derive(Debug)]
struct Stopping {
    policy: Policy,
    entered: Option<Sender<()>>,
    release: Receiver<()>,
}

impl Machine for Stopping {
    fn policy(&self) -> &Policy {
        &self.policy
    }

    fn try_acquire_at(&mut self, _: Nanos, _: u32) -> Result<(), Denied> {
        if let Some(entered) = self.entered.take() {
            entered.send(()).expect("the test waits");
            self.release.recv().expect("the test releases");
        }
        Ok(())
    }

    fn peek_at(&self, _: Nanos, _: u32) -> Result<(), Denied> {
        Ok(())
    }

    fn status_at(&self, now: Nanos) -> Status {
        Status::new(now, [QuotaStatus { remaining: 1, next_at: now, reset_at: now }])
    }
}

#[test]
fn a_stopped_holder_of_the_lock_stops_the_others() {
    let (entered, has_entered) = channel();
    let (releaser, release) = channel();
    let policy = "1/1s".parse().expect("a policy");
    let locked = Arc::new(Locked::new(Stopping { policy, entered: Some(entered), release }));

    let ask = || {
        let (replies, reply) = channel();
        let locked = Arc::clone(&locked);
        let thread = thread::spawn(move || replies.send(locked.try_acquire_at(Nanos::ZERO, 1).is_ok()));
        (thread, reply)
    };
    let (first, first_reply) = ask();
    has_entered.recv().expect("the first enters");
    let (second, second_reply) = ask();
    assert_eq!(second_reply.recv_timeout(Duration::from_millis(200)), Err(RecvTimeoutError::Timeout));

    releaser.send(()).expect("the first waits");
    assert_eq!((first_reply.recv(), second_reply.recv()), (Ok(true), Ok(true)));
    for thread in [first, second] {
        thread.join().expect("no panic").expect("the test listens");
    }
}
