//! A limiter's answer as HTTP fields, and a server's fields as an answer (feature `http`).
//!
//! A server writes: [`Fields`] of a policy go into each granted response, and a [`Refusal`] is the answer to a call that
//! was refused.
//!
#![doc = include_str!("read/reading.md")]
#![allow(clippy::doc_markdown, reason = "companies have such names")]

mod read;
mod write;

pub use read::{Feedback, Heed, Heeded, Ignored, Nonsense, ServerQuota, ServerUnit};
pub use write::{
    EXPOSED_HEADERS, EXPOSED_HEADERS_VALUE, Family, Fields, PROBLEM_JSON, Problem, Refusal, Unit,
};
