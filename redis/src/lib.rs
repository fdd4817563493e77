#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![doc = include_str!("../README.md")]

mod sync;

mod error;

mod store;

mod rule;

mod limiter;

mod lease;

#[cfg(feature = "redis")]
mod client;

#[cfg(feature = "tower")]
#[cfg_attr(docsrs, doc(cfg(feature = "tower")))]
pub mod tower;

#[cfg(feature = "redis")]
#[cfg_attr(docsrs, doc(cfg(feature = "redis")))]
pub use client::RedisStore;
pub use error::{Error, StoreError, StoreErrorKind};
pub use lease::{
    Counts, LeasedLimiter, Leases, LeasesError, NodeClock, NodeTime, Reading, Refused, WhenAway,
};
pub use limiter::RedisLimiter;
pub use rule::{Answer, Rule, Time};
pub use store::{Call, Store};
