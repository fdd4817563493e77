//! A limiter's answer as HTTP fields, and a server's fields as an answer (feature `http`).
//!
//! A server writes: [`Fields`] of a policy go into each granted response, and a [`Refusal`] is the answer to a call that
//! was refused.

mod read;
mod write;

pub use write::{
    EXPOSED_HEADERS, EXPOSED_HEADERS_VALUE, Family, Fields, PROBLEM_JSON, Problem, Refusal, Unit,
};
