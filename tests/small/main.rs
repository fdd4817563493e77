//! Limiters so small that a test can visit every state that they can reach and make every call in it. Also the numbers that
//! limiters are built from.
//!
//! The files of `src/` are included as they are, on atomics that can be read and set from outside.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    unused_imports,
    clippy::large_types_passed_by_value,
    clippy::duplicate_mod,
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

/// Once more, for what is private to `algorithm`.
#[path = "../../src/algorithm/token_bucket/interval.rs"]
mod interval;
#[path = "../../src/algorithm/ticks.rs"]
mod ticks;

#[path = "../models/spec.rs"]
mod spec;
#[path = "../models/subject.rs"]
mod subject;

mod limiters;
mod numbers;
mod plans;
mod receipts;
mod walk;
