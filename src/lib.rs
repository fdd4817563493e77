#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]
//! Multi-window rate limits, decided lock-free in one atomic step.
//!
//! A [`Policy`] is one to eight quotas that must all hold, such as **at most 50 calls per minute and 1500 per
//! hour**. A [`RateLimiter`] grants a call or refuses it with the exact instant from which a retry is granted; a
//! refused call is charged to no window.
//!
//! ```
//! use tollgate::{Policy, RateLimiter};
//!
//! let limiter = RateLimiter::exact(Policy::MICROSOFT_365_DEFENDER)?;
//! match limiter.try_acquire() {
//!     Ok(()) => { /* make the call */ }
//!     Err(denied) => println!("429, retry after {:?}", denied.retry_after()),
//! }
//! # Ok::<(), tollgate::BuildError>(())
//! ```
//!
//! # Which algorithm
//!
//! | | most in any window of `limit` | sustained rate | state, beside the policy | choose it when |
//! |---|---|---|---|---|
//! | [`SlidingLog`] | `limit`, and never less is granted than the rule allows | 100 % | 8 bytes per permit of the largest limit | every permit counts |
//! | [`TokenBucket::strict`] | `limit` | 98.3 % for 50/min and 1500/h | 8 bytes | calls should be spread, or there are many limiters |
//! | [`TokenBucket::nominal`] | `2 * limit - 1` | 100 % | 8 bytes for two quotas | the other side runs a token bucket itself |
//!
//! Under the exact rule a caller who always has one more call to make spends an hour's 1500 calls in 29 minutes and
//! then waits 31. Under the strict bucket it waits 2.44 s at the most, under an added quota no longer than the
//! window of that quota: see [`Policy`], *Pacing*.
//!
//! # What is promised
//!
//! - **Windows** are half-open: a permit granted at `s` counts at `t` while `t - s < window`.
//! - **All or nothing:** one decision over all quotas and all `n` permits, linearizable; a refusal changes nothing.
//! - **Time** is an argument of [`Algorithm`], and may repeat, go backwards or lie centuries ahead: nothing
//!   mints a permit, wraps or panics. Rounding makes a limiter stricter, by less than 1e-4 of the rate.
//! - **Refusals** tell the cause and the exact retry instant, or that there is none.
//! - **Lock-free:** a thread stopped anywhere blocks nobody; a decision allocates nothing and there is no
//!   `unsafe` code.
//! - **Construction** fails with a typed error that says what and which; nothing is ever taken for unlimited.
//!
//! # The map
//!
//! A module uses only what stands before it.
//!
//! | module | answers |
//! |---|---|
//! | `nanos` | what time is: [`Nanos`] |
//! | `quota` | what is allowed: [`Quota`], [`Policy`], their text form and errors |
//! | `decision` | what a limiter says: [`Denied`] and its [`Cause`], [`Status`], and a [`Grant`] that can be undone |
//! | `together` | how several limiters are asked for one call: [`try_acquire_all`] |
//! | `algorithm` | how it decides: the trait [`Algorithm`], [`TokenBucket`] and its [`Plan`], [`SlidingLog`] |
//! | `reference` | the same behind a mutex, and what others do (feature `parking_lot`) |
//! | `clock` | where `now` comes from: [`Clock`], [`Manual`], `DefaultClock`, `Monotonic`, `Quanta` |
//! | `pause` | how a limiter pauses, and how it comes out of a pause |
//! | `limiter` | what users hold: [`RateLimiter`] |
//! | `wait` | how callers queue for a permit, tasks and threads in order of arrival (feature `wait`) |
//! | `error` | one type for every error of the crate: [`Error`] |
//!
//! # Features
//!
//! The crate needs atomics of 64 bits. Targets without them need the feature `portable-atomic`.
//!
//! - `std` (default): the clock `Monotonic`. Without it the crate needs only `core` and `alloc`.
//! - `quanta` (default): the default clock reads the CPU's counter, two to four times cheaper, and corrects it by the
//!   system's clock many times a second.
//! - `serde`: [`Policy`] and [`Quota`] are read and written as text.
//! - `portable-atomic`: for targets without 64-bit atomics. There the atomics take a lock, and nothing is lock-free;
//!   elsewhere the feature changes nothing.
//! - `parking_lot`: the module `reference`.
//! - `wait`: the module `wait`, with waiting threads.
//! - `tokio`: waiting tasks, on the timer of a tokio runtime, `wait::Tokio`.
//! - `async-io`: waiting tasks on any executor, on the timer of the smol family, `wait::AsyncIo`, **which runs a
//!   background thread**.

#[cfg(not(any(target_has_atomic = "64", feature = "portable-atomic")))]
compile_error!(
    "tollgate keeps its state in 64-bit atomics, which this target does not have; the feature `portable-atomic` replaces \
     them by atomics that take a lock"
);

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod sync;

mod nanos;
mod quota;

mod decision;

mod together;

mod algorithm;

#[cfg(feature = "parking_lot")]
#[cfg_attr(docsrs, doc(cfg(feature = "parking_lot")))]
pub mod reference;

mod pause;

mod clock;

mod limiter;

#[cfg(feature = "wait")]
#[cfg_attr(docsrs, doc(cfg(feature = "wait")))]
pub mod wait;

mod error;

pub use algorithm::{Algorithm, BuildError, Plan, SlidingLog, TokenBucket};
#[cfg(feature = "quanta")]
#[cfg_attr(docsrs, doc(cfg(feature = "quanta")))]
pub use clock::Quanta;
pub use clock::{Clock, Manual};
#[cfg(feature = "std")]
#[cfg_attr(docsrs, doc(cfg(feature = "std")))]
pub use clock::{DefaultClock, Monotonic};
pub use decision::{Cause, Denied, Grant, QuotaStatus, Reclaim, Status};
pub use error::Error;
pub use limiter::RateLimiter;
pub use nanos::Nanos;
pub use quota::{ParsePolicyError, Policy, PolicyError, Quota};
pub use together::{DeniedBy, TryGrant, try_acquire_all};

/// The README's examples, run as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
