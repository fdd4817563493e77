//! The shipped lock-free cores, explored state by state: every interleaving of a few calls, and every stale value
//! that the orderings allow, with no bound; and each ordering and each step is needed.
//!
//! The models are those of `models/`, which `loom/` follows execution by execution. Here a state is what each thread has been answered
//! and may still read, and the memory (`memory.rs`); many executions lead to it, and one goes on. A thread is
//! its call, run again for each step with the answers so far (`program.rs`), so the files of `src/` are
//! included as they are.
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
