//! Keyed limits as their users see them: one exact bucket for each key, whatever the others do.

#[path = "../oracle/mod.rs"]
mod oracle;

mod edges;
mod exact;
mod flood;
mod limiter;
mod many;
mod map;
mod plans;
mod rule;
mod table;
