//! One function per fuzz target that reads logs: it takes any bytes, and panics exactly if a promise is broken.

#![allow(unreachable_pub, reason = "included by a test binary too, from which nothing is reachable")]
#![allow(clippy::missing_panics_doc, reason = "a panic is how a check fails")]

mod trace;

pub use trace::log_trace;
