//! The shipped lock-free cores under loom. It tries every interleaving of a few calls with a bound on preemptions, and every
//! stale value that the orderings allow. All of them are linearizable. It also shows that each ordering and each step is
//! needed. `exhaustive/` explores the same models without a bound, in its own way: one checker may find what the other
//! misses.
//!
//! The files of `src/` are included as they are. Only `sync` is this crate's own. So a core that uses a higher layer
//! does not compile here.
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

#[path = "../../src/together.rs"]
mod together;

#[path = "../../src/algorithm/mod.rs"]
mod algorithm;

#[path = "../../src/pause.rs"]
mod pause;

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
mod pauses;
mod several;

#[path = "../models/models.rs"]
mod models;
#[path = "../models/removed.rs"]
mod removed;
#[path = "../models/weakened.rs"]
mod weakened;
