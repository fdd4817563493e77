//! What the table uses of `src/algorithm`.

#[path = "../../src/algorithm/backoff.rs"]
pub(crate) mod backoff;
