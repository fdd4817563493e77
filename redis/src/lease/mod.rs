//! Permits that are leased from the store, and used without asking it.

mod account;
mod board;
mod central;
mod counts;
mod drive;
mod limiter;
mod node;
mod queue;
mod reading;
mod refused;
mod share;
mod terms;
mod time;
mod word;

#[cfg(test)]
mod tests;

pub use counts::Counts;
pub use limiter::LeasedLimiter;
pub use reading::{NodeTime, Reading};
pub use refused::Refused;
pub use terms::{Leases, LeasesError, WhenAway};
pub use time::NodeClock;
