//! The shipped lock-free cores under loom: every interleaving of a few calls, and every stale value that the
//! orderings allow, is linearizable; and each ordering and each step is needed.
//!
//! The files of `src/` are included as they are. Only `sync` is this crate's own, so an upward `use` in a core
//! fails to compile here.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    unused_imports,
    clippy::large_types_passed_by_value,
    reason = "what the library exports is private and partly unused here"
)]

extern crate alloc;

mod sync;

#[path = "../../src/nanos.rs"]
mod nanos;
#[path = "../../src/quota/mod.rs"]
mod quota;

#[path = "../../src/decision.rs"]
mod decision;

#[path = "../../src/algorithm/mod.rs"]
mod algorithm;

mod model;
mod spec;
mod subject;

mod models;
mod removed;
mod table;
mod weakened;
