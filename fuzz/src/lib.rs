//! What the fuzz targets check. The root package includes `checks` too, to replay the corpora in `cargo test`.

mod checks;
#[path = "../../tests/oracle/mod.rs"]
mod oracle;
#[path = "../../tests/subjects/mod.rs"]
mod subjects;
#[path = "../../examples/compare/trace.rs"]
mod trace;

pub use checks::{
    keyed_table, locked, policy_text, sliding_log, token_bucket_nominal, token_bucket_strict, trace_reader,
};
