//! Leases in virtual time: what is shipped, with time and a store that the tests move.

mod away;
mod clocks;
mod demand;
mod histories;
#[cfg(feature = "tower")]
mod layers;
#[cfg(feature = "redis")]
mod script;
#[cfg(feature = "redis")]
#[path = "../../../tests/servers/mod.rs"]
mod servers;
mod table;
mod waiting;
mod world;
