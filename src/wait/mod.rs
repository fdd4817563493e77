//! Waiting for permits, in order of arrival: tasks of any runtime and threads in one queue.
//!
//! A [`FairLimiter`] is a [`RateLimiter`](crate::RateLimiter) with a queue before it.
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
//! | who waits | how to make the limiter | feature |
//! |---|---|---|
//! | threads | [`FairLimiter::blocking`]: they park, and need no timer | `wait` |
//! | tasks of tokio | `FairLimiter::tokio`: tokio's timer and tokio's clock, so that paused time works | `tokio` |
//! | tasks of any runtime | [`FairLimiter::new`] with `AsyncIo`, which runs a background thread | `async-io` |
//! | tasks of any runtime | [`FairLimiter::new`] with your own [`Timer`] | `wait` |
//!
//! Threads can wait on all of them. A waiter is granted when its timer rings, so a window near the timer's granularity
//! is not used up. For example, a strict bucket for `10/1ms` grants one permit at a time. Tokio sleeps in whole
//! milliseconds, and so tasks get less than one permit a millisecond. A [`SlidingLog`](crate::SlidingLog) grants all
//! that the window allows at once, which was five times as many.
//!
//! # Fairness
//!
//! Waiters are granted in the order in which they arrived, for however many permits: small calls do not overtake a
//! large one. A task arrives when its future is first polled. While nobody waits, a call is decided at once and
//! without a lock. While others wait, [`try_acquire`](FairLimiter::try_acquire) does not overtake them. A clone of the
//! inner [`RateLimiter`](crate::RateLimiter) goes around the queue: what it takes, the queue waits for.
//!
//! # Futures that are kept and not polled
//!
//! A future can be in the queue and not be polled: a `select!` over `&mut acquire` that runs another branch, or a stream
//! of buffered futures while the body of its loop awaits. Nobody waits for such a future. When its turn has come and it has
//! not been polled for a grace of 50 milliseconds ([`GRACE`]), the next waiter that looks calls it and all others before
//! itself. Whoever has not come after one more grace is passed over. It keeps its place: when it is polled again, it
//! is before all who came later. The permits that it did not fetch go to those who come.
//!
//! So a waiter that is not polled delays those behind it by two graces, however many do so. Only a waiter that has
//! waited long may notice it later, but not later than after twice the time that it has waited, or two graces after
//! the instant at which it would have been granted if the others had taken their permits.
//!
//! # Deadlines
//!
//! A deadline is checked when a call arrives, when it becomes the head of the queue, and when the deadline passes. On
//! arrival it is compared with the instant at which all who are before it and the call itself can have their permits. This
//! instant is exact as long as together they are within the limiter's burst, and nobody gives up or goes around the queue.
//! Beyond the burst it is the earliest possible instant, from the rates of the policy.
//!
//! # Cost
//!
//! The next waiter is woken when the head leaves. If its permits are not there yet, it sleeps until they are: that is one
//! wake-up or two. While it is not the head, it wakes now and then to see that the head comes: first when the head
//! would be late, then after twice as long each time. That is eleven times in a minute if the first comes after 50 ms.
//! A waiter that is served before has none of these.
//!
//! A grant to a waiter allocates nothing. A task that must wait has a sleep of its own, which with tokio is one
//! allocation. It takes about 80 bytes in the queue, and 120 for its future. Joining and leaving a queue of `k` waiters
//! is `O(log k)`, for a deadline too. With a thousand waiting, a grant and the next arrival take 0.17 us together, the
//! runtime aside.
//!
//! # Cancellation
//!
//! A permit is charged when it is granted, by the waiter itself, with the clock read at that moment. A place in the
//! queue is no reservation. So a waiting future may be dropped anywhere, and its task may panic: no permit is lost,
//! the next is called if it was its turn, and nothing is left behind.
//!
//! Wakers and timers run without the lock of the queue. If one of them panics, the caller has the panic, and the others
//! wait on as before. If the caller was just granted, its permits stay charged. Nothing else here panics.

mod acquire;
mod alarm;
#[cfg(feature = "async-io")]
mod async_io;
mod calls;
mod deadline;
mod error;
mod fair;
mod permit;
mod queue;
mod shared;
mod timer;
#[cfg(feature = "tokio")]
mod tokio;
mod waiting;

pub use acquire::{Acquire, AcquireOwned};
#[cfg(feature = "async-io")]
#[cfg_attr(docsrs, doc(cfg(feature = "async-io")))]
pub use async_io::{AsyncIo, AsyncIoSleep};
pub use deadline::Deadline;
pub use error::AcquireError;
pub use fair::FairLimiter;
pub use permit::{OwnedPermit, Permit, Undo};
pub use queue::GRACE;
pub use timer::{AnyTimer, NoTimer, Timer};
#[cfg(feature = "tokio")]
#[cfg_attr(docsrs, doc(cfg(feature = "tokio")))]
pub use tokio::{Tokio, TokioSleep};
