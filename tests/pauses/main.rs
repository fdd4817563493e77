//! Threads that sleep in the middle of a decision, and what they do when they continue.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    unused_imports,
    clippy::large_types_passed_by_value,
    reason = "the library's public items are private and partly unused here"
)]

extern crate alloc;

mod hook;
#[path = "../histories/sync.rs"]
mod sync;

#[path = "../../src/nanos.rs"]
mod nanos;
#[path = "../../src/quota/mod.rs"]
mod quota;

#[path = "../../src/decision.rs"]
mod decision;

#[path = "../../src/algorithm/mod.rs"]
mod algorithm;

#[path = "../models/spec.rs"]
mod spec;
#[path = "../models/subject.rs"]
mod subject;

mod paused;
