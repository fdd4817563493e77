//! Token buckets against exact ones.

mod nominal;
mod single;
mod strict;

/// No bucket's words end before it, in nanoseconds.
const YEAR: u64 = 365 * 86_400 * 1_000_000_000;

pub use nominal::token_bucket_nominal;
pub use strict::token_bucket_strict;
