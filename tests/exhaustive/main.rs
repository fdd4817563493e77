//! The shipped lock-free cores, explored state by state: every interleaving of a few calls, and every stale value
//! that the orderings allow, without a bound.
//!
//! The models and the broken cores are those of `loom/`, which explores execution by execution. Here a thread is run
//! again for each step with what it was answered so far, and a state is the threads' places, what they
//! know, and the memory (`memory.rs`): a million executions may lead to it, and one is followed.
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

#[path = "../models/fault.rs"]
mod fault;
#[path = "../models/model.rs"]
mod model;
#[path = "../models/spec.rs"]
mod spec;
#[path = "../models/subject.rs"]
mod subject;
#[path = "../models/table.rs"]
mod table;

mod explore;
mod litmus;
mod memory;
mod program;
mod programs;

#[path = "../models/models.rs"]
mod models;
#[path = "../models/removed.rs"]
mod removed;
#[path = "../models/weakened.rs"]
mod weakened;
