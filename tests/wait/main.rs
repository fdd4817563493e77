//! Waiting for permits: order, cancellation, deadlines, handing back, pauses and cost, in virtual time; tokio's paused
//! time; real threads and one short test in real time.
#![allow(missing_docs, reason = "tests")]

#[path = "../oracle/mod.rs"]
mod oracle;
mod world;

mod cancel;
mod cost;
mod deadline;
mod foreign;
mod hasty;
mod order;
mod pause;
mod properties;
mod real_time;
mod runtimes;
mod sleepers;
mod together;
mod tokio_time;
mod undo;
