//! The shipped clock of `src/clock` in a simulated world, where the counter drifts, jumps, stops and begins anew and the
//! system's clock is corrected; and beside the real one.
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
mod soak;
mod steady;
mod world;
