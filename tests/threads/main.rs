//! The models of `models/` on real threads and real atomics. Natively, schedules and memory are those of the machine. Under
//! miri they are random: `cargo +nightly miri test --test threads`, with `-Zmiri-many-seeds` for more than one schedule.
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
