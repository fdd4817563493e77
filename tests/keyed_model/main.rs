//! The shipped core of the keyed table, explored state by state, and by the axioms of the memory model: no key is ever
//! granted more than its plan, none stands in two slots, and every rule and every ordering of the table is needed.
//!
//! The explorer is that of `exhaustive/`. It knows stale values, but no value that is read before it is written;
//! `axioms.rs` knows these too.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    unused_imports,
    reason = "what the library exports is private and partly unused here"
)]

extern crate alloc;

#[path = "../exhaustive/sync.rs"]
mod sync;

mod algorithm;
mod keyed;

mod fault;
#[path = "../models/model.rs"]
mod model;
mod spec;
mod subject;
#[path = "../models/table.rs"]
mod table;

#[path = "../exhaustive/explore.rs"]
mod explore;
#[path = "../exhaustive/memory.rs"]
mod memory;
#[path = "../exhaustive/program.rs"]
mod program;

mod axioms;
mod programs;
mod rules;

/// How many programs of each shape are explored.
const PROGRAMS: u64 = 400;
