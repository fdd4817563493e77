//! The models of `models/` on real threads and the shipped atomics: natively the machine's own schedules and memory, and
//! under miri random ones (`cargo +nightly miri test --test threads`, with `-Zmiri-many-seeds` for more than one).
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    unused_imports,
    clippy::large_types_passed_by_value,
    reason = "what the library exports is private and partly unused here"
)]

extern crate alloc;

#[path = "../../src/sync.rs"]
mod sync;

#[path = "../../src/nanos.rs"]
mod nanos;
#[path = "../../src/quota/mod.rs"]
mod quota;

#[path = "../../src/decision.rs"]
mod decision;

#[path = "../../src/algorithm/mod.rs"]
mod algorithm;

#[path = "../models/model.rs"]
mod model;
#[path = "../models/spec.rs"]
mod spec;
#[path = "../models/subject.rs"]
mod subject;

mod explore;

#[path = "../models/models.rs"]
mod models;
