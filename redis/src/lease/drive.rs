//! The task of a node: it serves those who wait, asks the store, and sleeps. There is one for each limiter.

use core::future::Future;
use core::time::Duration;
use std::sync::Arc;

use super::limiter::Shared;
use super::node::{Node, Reply, Step};
use super::queue::Told;
use super::reading::NodeTime;
use crate::StoreError;

/// The store, as a node asks it.
pub(crate) trait Central: Send + Sync + 'static {
    /// Takes as many permits as there are, at least `least` and at most `most`, or none. With 0 and 0 it only looks.
    fn take(&self, least: u32, most: u32) -> impl Future<Output = Result<Reply, StoreError>> + Send;
}

/// A timer stands still while the machine is suspended. So the task looks at the clock at least this often while it waits.
const LOOK: Duration = Duration::from_secs(30);

/// Ends the service of the queue when the task ends: the last handle was dropped, or the runtime is gone.
struct End<T: NodeTime>(Arc<Shared<T>>);

impl<T: NodeTime> Drop for End<T> {
    fn drop(&mut self) {
        self.0.close();
    }
}

pub(crate) async fn drive<S: Central, T: NodeTime>(shared: Arc<Shared<T>>, store: S, mut node: Node) {
    let end = End(shared);
    let shared = &*end.0;
    loop {
        let now = shared.time.read();
        let mut told = Told::default();
        let (served, waiting) = {
            let mut queue = shared.queue();
            let served = queue.serve(&shared.account, now, &mut told);
            shared.account.board.set_queued(queue.permits());
            (served, queue.waiting())
        };
        told.tell();
        let until = match node.step(&shared.account, waiting, now) {
            Step::Ask(ask) => {
                let request = store.take(ask.least, ask.most);
                let answer = match tokio::time::timeout(shared.leases.timeout(), request).await {
                    Ok(answer) => answer,
                    Err(_) => Err(StoreError::timed_out()),
                };
                let reply = answer.as_ref().ok().copied();
                node.answered(&shared.account, ask, reply, shared.time.read());
                shared.note(answer.err());
                continue;
            }
            Step::Wait(until) => Some(until),
            Step::Idle => None,
        };
        match until.into_iter().chain(served).min() {
            Some(until) => {
                let after = until.saturating_duration_since(now.at).min(LOOK);
                // Whether it was called or not, it looks again.
                _ = tokio::time::timeout(after, shared.called.notified()).await;
            }
            None => shared.called.notified().await,
        }
    }
}
