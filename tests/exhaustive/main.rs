//! The shipped lock-free cores, explored state by state: every interleaving of a few calls, and every stale value that the
//! orderings allow, without a bound. It also shows that each ordering and each step is needed.
//!
//! The models are those of `models/`. `loom/` tries their executions one by one. Here they are explored by states. A state is
//! the memory (`memory.rs`), and for each thread the answers that it was given and the values that it may still read. Many
//! executions lead to one state, and only one of them is continued. For each step of a thread, its call is run again with
//! the answers so far (`program.rs`). So the files of `src/` are included as they are.
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
mod handover;
mod larger;
mod litmus;
mod memory;
mod program;
mod programs;
mod reduced;

#[path = "../models/models.rs"]
mod models;
#[path = "../models/removed.rs"]
mod removed;
#[path = "../models/weakened.rs"]
mod weakened;
