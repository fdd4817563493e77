#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]
//! Multi-window rate limits, decided lock-free in one atomic step.
//!
//! A [`Policy`] is one to eight quotas that must all hold, such as **at most 50 calls per minute and 1500 per hour**. A
//! [`RateLimiter`] grants a call or refuses it. A refusal tells the exact instant at which a retry is granted. A refused call
//! is charged to no window.
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
//! # Where to look
//!
//! | you want to | look at |
//! |---|---|
//! | limit calls | [`Policy`], [`RateLimiter`] |
//! | know why a call was refused, and when to retry | [`Denied`], [`Cause`] |
//! | limit each of many callers | [`keyed`]: a table for any number of keys, or limiters of 8 bytes for exact ones |
//! | wait for a permit instead of being refused | the module `wait` (feature `wait`) |
//! | ask several limiters for one call | [`try_acquire_all`] |
//! | take a permit back that was not used | [`RateLimiter::try_grant`], [`Grant::undo`] |
//! | heed a 429 from a server | [`RateLimiter::pause_for`], or the module `http` (feature `http`), which reads what any server says |
//! | write a 429, and the fields that tell what is left | the module `http` (feature `http`) |
//! | refuse with a 429, in axum or any other `tower` service | the module `tower::server` (feature `tower`) |
//! | limit the calls of an HTTP client | the module `tower::client` (feature `tower`) |
//! | share a limit between machines | the package `tollgate-redis` |
//! | move the time yourself, in tests and simulations | [`Manual`] |
//! | write an algorithm or a clock of your own | [`Algorithm`], [`Clock`] |
//! | read or change the source | [the map](#the-map) |
//!
//! # Which algorithm
//!
//! | | most in any window of `limit` | sustained rate | state, beside the policy | choose it when |
//! |---|---|---|---|---|
//! | [`SlidingLog`] | `limit`, and never less is granted than the rule allows | 100 % | 8 bytes per permit of the largest limit | every permit counts |
//! | [`WindowCounter`] | `limit`, all of it at once | 96.7 % for 50/min and 1500/h | 8 bytes | the whole limit may come at once, and there are many limiters |
//! | [`TokenBucket::strict`] | `limit` | 98.3 % for 50/min and 1500/h | 8 bytes | calls should be spread, or there are many limiters |
//! | [`TokenBucket::nominal`] | `2 * limit - 1` | 100 % | 8 bytes for two quotas | the other side runs a token bucket itself |
//!
//! [`Choice`] compares them for your policy. A [`Rule`] is shared by any number of limiters of 8 bytes each.
//!
//! Under the exact rule, a caller who always has one more call to make spends the 1500 calls of an hour in 29 minutes and then
//! waits for 31. With the strict bucket it never waits longer than 2.44 s. A further quota helps, too: see [`Policy`],
//! *Pacing*.
//!
//! # What is promised
//!
//! - **Windows** are half-open: a permit granted at `s` counts at `t` while `t - s < window`.
//! - **All or nothing:** a call is one decision over all quotas and all its permits. All calls are linearizable. A refusal
//!   changes nothing.
//! - **Time** is an argument of [`Algorithm`]. It may repeat, go backwards or lie centuries ahead. It never makes a limiter
//!   grant too much, wrap or panic. Rounding only makes a limiter stricter, by less than 1e-4 of the rate.
//! - **Refusals** tell the cause and the retry instant, or that there is none. A retry at that instant succeeds, if nothing
//!   else is granted before; an earlier one fails.
//! - **Lock-free:** a thread that is stopped anywhere blocks no other thread. A decision allocates nothing, and there is no
//!   `unsafe` code.
//! - **Construction** fails with a typed error that says what is wrong and where. Nothing is ever taken for unlimited.
//!
//! # The map
//!
//! Each module answers one question. It uses only modules that stand before it in this table.
//!
//! Atomics enter only through `sync.rs`, which the model checkers replace. Each lock-free file starts with its State,
//! Linearization and Orderings, and each atomic operation has a letter in the table of orderings. If you change an operation,
//! change its row, too: a test compares them. `tests/README.md` says which test checks which promise.
//!
//! | module | question |
//! |---|---|
//! | `nanos` | what an instant is: [`Nanos`] |
//! | `quota` | what is allowed: [`Quota`], [`Policy`], their text form and errors |
//! | `decision` | what a limiter answers: [`Denied`] and its [`Cause`], [`Status`], and a [`Grant`] that can be undone |
//! | `together` | how several limiters are asked for one call: [`try_acquire_all`] |
//! | `algorithm` | how it decides: the trait [`Algorithm`], [`SlidingLog`], [`WindowCounter`] and its [`CounterPlan`], [`TokenBucket`] and its [`Plan`], which redis-cell keeps as a [`ClThrottle`], [`Rule`], [`Choice`] |
//! | `reference` | what others do: the exact rule behind a mutex, and other strategies (feature `parking_lot`) |
//! | `clock` | where `now` comes from: [`Clock`], [`Manual`], `DefaultClock`, `Monotonic`, `Quanta` |
//! | `pause` | how a limiter pauses, and how it comes out of a pause |
//! | `limiter` | what users hold: [`RateLimiter`] |
//! | [`keyed`] | a limit for each of any number of callers, in fixed memory: [`keyed::KeyedLimiter`] |
//! | `wait` | how callers queue for a permit, tasks and threads in order of arrival (feature `wait`) |
//! | `http` | what a response says of a limit, written and read (feature `http`) |
//! | `tower` | how requests are limited: layers for servers and clients (feature `tower`) |
//! | `error` | one type for every error of the crate: [`Error`] |
//!
//! # Features
//!
//! The crate needs atomics of 64 bits. Targets without them need the feature `portable-atomic`.
//!
//! - `std` (default): the clock `Monotonic`. Without this feature, the crate needs only `core` and `alloc`.
//! - `quanta` (default): the default clock reads the CPU's counter, which is two to four times cheaper. It corrects the
//!   counter by the system's clock many times a second.
//! - `serde`: [`Policy`] and [`Quota`] are read and written as text.
//! - `portable-atomic`: for targets without 64-bit atomics. There the atomics take a lock, and nothing is lock-free. On
//!   other targets, the feature changes nothing.
//! - `parking_lot`: the module `reference`.
//! - `wait`: the module `wait`, with threads that wait.
//! - `tokio`: tasks that wait by the timer of a tokio runtime, `wait::Tokio`.
//! - `async-io`: tasks that wait on any executor by the timer of the smol family, `wait::AsyncIo`. **It runs a background
//!   thread.**
//! - `http`: the module `http`. It depends on the crate `http`.
//! - `tower`: the module `tower`. It depends on `tower-layer`, `tower-service`, `http`, `http-body`, `bytes` and
//!   `pin-project-lite`, all of them small and stable.

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

pub mod keyed;

#[cfg(feature = "wait")]
#[cfg_attr(docsrs, doc(cfg(feature = "wait")))]
pub mod wait;

#[cfg(feature = "http")]
#[cfg_attr(docsrs, doc(cfg(feature = "http")))]
pub mod http;

#[cfg(feature = "tower")]
#[cfg_attr(docsrs, doc(cfg(feature = "tower")))]
pub mod tower;

mod error;

pub use algorithm::{
    Algorithm, Bound, BuildError, Choice, ClThrottle, CounterPlan, Need, Plan, Rule, SlidingLog, State,
    TokenBucket, WindowCounter,
};
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
