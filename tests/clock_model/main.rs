//! The shipped clock of `src/clock` under loom. It tries every interleaving of a few readings with a bound on preemptions, and
//! every stale value that the orderings allow, while the counter and the system's clock move.
//!
//! No reading is ahead of the system's clock at its return. None is more than `MAX_ERROR` behind the system's clock at
//! its call.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    unused_imports,
    reason = "what the library exports is private and partly unused here"
)]

#[path = "../loom/sync.rs"]
mod sync;

#[path = "../../src/clock/anchor.rs"]
mod anchor;
#[path = "../../src/clock/anchored.rs"]
mod anchored;

mod broken;
mod fault;
mod models;
mod readings;
