#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]
//! Tollgate.

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod sync;

mod nanos;
mod quota;

mod decision;

mod algorithm;

#[cfg(feature = "parking_lot")]
#[cfg_attr(docsrs, doc(cfg(feature = "parking_lot")))]
pub mod reference;

mod clock;

mod limiter;

pub use algorithm::{Algorithm, BuildError, Plan, SlidingLog, TokenBucket};
#[cfg(feature = "quanta")]
pub use clock::Quanta;
pub use clock::{Clock, Manual};
#[cfg(feature = "std")]
pub use clock::{DefaultClock, Monotonic};
pub use decision::{Denied, QuotaStatus, Status};
pub use limiter::RateLimiter;
pub use nanos::Nanos;
pub use quota::{ParsePolicyError, Policy, PolicyError, Quota};
