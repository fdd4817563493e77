//! How do tasks share a limiter, and what happens to them without one?

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tollgate::SlidingLog;
use tollgate::wait::{FairLimiter, Tokio};

use super::args::Args;
use super::connection::{Answer, Connection};
use super::enforcement::Kind;
use super::error::Error;
use super::server::Server;

/// What happened to a client.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Fared {
    /// 429s.
    pub(crate) refused: u64,
    /// From the first call to the last answer.
    pub(crate) took: Duration,
    /// The longest time from a permit, or without a limiter from the call, to the answer.
    pub(crate) slowest: Duration,
}

/// A client that asks a limiter before it calls.
pub(crate) async fn limited(kind: Kind, log: SlidingLog, args: Args) -> Result<Fared, Error> {
    // The limiter uses the time of the runtime.
    let limiter = FairLimiter::tokio(log).map_err(Error::Outside)?;
    // Every clone waits in the same queue, for the same quotas.
    fares(kind, &args, |connection, calls| ask_first(limiter.clone(), connection, calls)).await
}

/// A client that has nothing but the server's answers.
pub(crate) async fn naive(kind: Kind, args: Args) -> Result<Fared, Error> {
    fares(kind, &args, obey).await
}

async fn ask_first(
    limiter: FairLimiter<SlidingLog, Tokio, Tokio>,
    mut connection: Connection,
    calls: Arc<Calls>,
) -> Result<Fared, Error> {
    let mut fared = Fared::default();
    while calls.next() {
        loop {
            limiter.acquire().await.map_err(Error::Acquire)?;
            let permitted = Instant::now();
            let answer = connection.call().await?;
            fared.slowest = fared.slowest.max(permitted.elapsed());
            match answer {
                Answer::Served => break,
                // The server knows better. Nobody calls before it says so.
                Answer::TooMany(retry_after) => {
                    fared.refused += 1;
                    limiter.pause_for(retry_after);
                }
            }
        }
    }
    Ok(fared)
}

async fn obey(mut connection: Connection, calls: Arc<Calls>) -> Result<Fared, Error> {
    let mut fared = Fared::default();
    while calls.next() {
        loop {
            let called = Instant::now();
            let answer = connection.call().await?;
            fared.slowest = fared.slowest.max(called.elapsed());
            match answer {
                Answer::Served => break,
                Answer::TooMany(retry_after) => {
                    fared.refused += 1;
                    tokio::time::sleep(retry_after).await;
                }
            }
        }
    }
    Ok(fared)
}

/// The calls that are still to be made.
struct Calls(AtomicU64);

impl Calls {
    /// Whether there is one more.
    fn next(&self) -> bool {
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
    }
}

/// Makes all calls to a server of its own, by tasks that share what is left of them.
async fn fares<T>(kind: Kind, args: &Args, task: impl Fn(Connection, Arc<Calls>) -> T) -> Result<Fared, Error>
where
    T: Future<Output = Result<Fared, Error>> + Send + 'static,
{
    let server = Server::start(kind, &args.enforced).await?;
    let mut connections = Vec::new();
    for _ in 0..args.tasks {
        connections.push(Connection::open(server.address()).await?);
    }
    let calls = Arc::new(Calls(AtomicU64::new(args.calls)));
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for connection in connections {
        tasks.spawn(task(connection, calls.clone()));
    }
    let mut fared = Fared::default();
    while let Some(task) = tasks.join_next().await {
        let one = task.map_err(Error::Task)??;
        fared.refused += one.refused;
        fared.slowest = fared.slowest.max(one.slowest);
    }
    fared.took = start.elapsed();
    Ok(fared)
}
