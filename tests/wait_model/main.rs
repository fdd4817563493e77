//! The shipped queue under shuttle, which chooses anew at every lock, atomic, park and wake-up which thread runs. A lost
//! call costs a grace, which the models count, or it is a deadlock, which shuttle reports.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    unused_imports,
    clippy::large_types_passed_by_value,
    reason = "the library's public items are private and partly unused here"
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

#[path = "../../src/clock/mod.rs"]
mod clock;

#[path = "../../src/limiter.rs"]
mod limiter;

#[path = "../../src/keyed/forgettable.rs"]
mod forgettable;
mod keyed {
    pub(crate) use crate::forgettable::Forgettable;
}

#[path = "../../src/wait/mod.rs"]
mod wait;

#[path = "../oracle/mod.rs"]
mod oracle;

mod models;
mod rule;
mod time;
