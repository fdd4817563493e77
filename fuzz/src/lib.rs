//! What the fuzz targets check. The root package includes `checks` too, and the lab includes `logs`, to replay the
//! corpora in `cargo test`.

extern crate alloc;

mod checks;
mod logs;
#[path = "../../tests/oracle/mod.rs"]
mod oracle;
#[path = "../../tests/subjects/mod.rs"]
mod subjects;

pub use checks::{
    http_date, http_read, http_structured, keyed_table, locked, policy_text, sliding_log,
    token_bucket_nominal, token_bucket_strict, window_counter,
};
pub use logs::{log_access, log_alb, log_clock, log_csv, log_json, log_trace, log_w3c};
