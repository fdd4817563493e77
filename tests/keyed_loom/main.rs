//! The same models of the keyed table as in `keyed_model/`, by another checker: loom, within a bound of preemptions.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    unused_imports,
    reason = "what the library exports is private and partly unused here"
)]

extern crate alloc;

#[path = "../loom/sync.rs"]
mod sync;

#[path = "../keyed_model/algorithm.rs"]
mod algorithm;
#[path = "../keyed_model/keyed.rs"]
mod keyed;

#[path = "../keyed_model/fault.rs"]
mod fault;
#[path = "../models/model.rs"]
mod model;
#[path = "../keyed_model/spec.rs"]
mod spec;
#[path = "../keyed_model/subject.rs"]
mod subject;
#[path = "../models/table.rs"]
mod table;

#[path = "../loom/explore.rs"]
mod explore;

#[path = "../keyed_model/programs.rs"]
mod programs;
#[path = "../keyed_model/rules.rs"]
mod rules;

/// How many programs of each shape are explored.
const PROGRAMS: u64 = 24;
