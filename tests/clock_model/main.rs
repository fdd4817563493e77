//! The shipped clock of `src/clock` under loom: every interleaving of a few readings within a bound of preemptions, and every
//! stale value that the orderings allow, while counter and system clock move. No reading is ahead of the system's
//! clock when it is returned, and none is further behind than `MAX_ERROR` when it was asked for.
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
