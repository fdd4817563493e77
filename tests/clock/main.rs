//! The shipped clock of `src/clock` on a simulated machine and on the real one. On the simulated machine, the counter drifts,
//! jumps, stops and begins anew, and the system's clock is corrected.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    unused_imports,
    reason = "what the library exports is private and partly unused here"
)]

#[path = "../../src/sync.rs"]
mod sync;

#[path = "../../src/clock/anchor.rs"]
mod anchor;
#[path = "../../src/clock/anchored.rs"]
mod anchored;

mod faults;
mod forgiven;
mod limits;
mod margins;
mod soak;
mod steady;
mod world;
