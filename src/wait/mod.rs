//! Waiting for permits, in order of arrival: tasks of any runtime and threads in one line.
//!
//! A [`FairLimiter`] is a [`RateLimiter`](crate::RateLimiter) with a line before it.
//!
//! ```
//! use core::time::Duration;
//! use tollgate::wait::FairLimiter;
//! use tollgate::RateLimiter;
//!
//! let limiter = FairLimiter::blocking(RateLimiter::exact("2/10ms".parse()?)?);
//! limiter.acquire_blocking_n(2)?;
//! limiter.acquire_blocking()?; // ten milliseconds later
//!
//! // A deadline that cannot be met is refused at once, with the instant to come back.
//! let limiter = FairLimiter::blocking(RateLimiter::exact("1/1h".parse()?)?);
//! limiter.acquire_blocking()?;
//! let late = limiter.acquire().within(Duration::from_secs(60)).wait().unwrap_err();
//! assert!(late.retry_at().is_some());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Timers
//!
//! | who waits | timer | feature |
//! |---|---|---|
//! | threads | none: they park ([`NoTimer`]) | `wait` |
//! | tasks of tokio | `Tokio` | `tokio` |
//! | tasks of any runtime | `AsyncIo`, which runs a background thread | `async-io` |
//! | tasks of any runtime | your own [`Timer`] | `wait` |
//!
//! # Fairness
//!
//! Strictly in order of arrival, whoever waits and for however many permits: a large call is not overtaken by small
//! ones. A task arrives when its future is first polled. A limiter before which nobody waits decides at once and
//! without a lock. Beside a line, [`try_acquire`](FairLimiter::try_acquire) does not barge. Two ways lead around the
//! line: a clone of the inner [`RateLimiter`](crate::RateLimiter) (what it takes, the line waits for), and a deadline
//! that passes at the very instant at which all who are before can be granted too: then the call is granted, which
//! delays nobody.
//!
//! # The promise
//!
//! A deadline is checked when the call arrives, against the instant at which the limiter would grant all permits
//! waited for before it and its own in one call: exact while they are together within the limiter's burst, and
//! if nobody gives up or goes around the line; else it is the instant for a whole burst, the earliest possible. It is
//! checked again when the call becomes the head of the line, and at the deadline itself. What comes later, a pause or a
//! call around the line, the head learns when it wakes.
//!
//! # Cost
//!
//! Only the head of the line sleeps on the clock, in one sleep that belongs to the line and is armed by whoever left
//! the head before: one wake-up per grant to a task, none to anybody else, and no allocation. A thread wakes twice, to
//! become the head and when its time has come. A deadline is one more sleep, a pause one more wake-up. A waiter
//! takes about 80 bytes in the line, and 72 for its future. Joining and leaving a line of `k` is `O(log k)`: with a
//! thousand waiting, a grant and the next arrival take 0.2 us together, the runtime aside.
//!
//! Nothing here panics; a timer may (that of tokio does when its runtime is gone).
//!
//! # Cancellation
//!
//! A permit is charged when it is granted, by the waiter itself, with the clock read at that moment; a place in the
//! line is no reservation. So a waiting future may be dropped anywhere, or its task may panic: no permit is lost,
//! the next is called if it was its turn, and nothing is left behind. A future that is kept but no longer polled
//! keeps its place, and all who are behind it waiting: drop it.

mod acquire;
#[cfg(feature = "async-io")]
mod async_io;
mod error;
mod fair;
mod line;
mod permit;
mod shared;
mod timer;
#[cfg(feature = "tokio")]
mod tokio;

pub use acquire::Acquire;
#[cfg(feature = "async-io")]
#[cfg_attr(docsrs, doc(cfg(feature = "async-io")))]
pub use async_io::{AsyncIo, AsyncIoSleep};
pub use error::AcquireError;
pub use fair::FairLimiter;
pub use permit::{Permit, Undo};
pub use timer::{NoTimer, Timer};
#[cfg(feature = "tokio")]
#[cfg_attr(docsrs, doc(cfg(feature = "tokio")))]
pub use tokio::{Tokio, TokioSleep};
