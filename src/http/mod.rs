//! A limiter's answer as HTTP fields, and a server's fields as an answer (feature `http`).
//!
#![doc = include_str!("read/reading.md")]
#![allow(clippy::doc_markdown, reason = "companies have such names")]

mod read;
mod write;

pub use read::{Feedback, Heed, Heeded, Ignored, Nonsense, ServerQuota, ServerUnit};
