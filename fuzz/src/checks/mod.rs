//! One function per fuzz target. It takes any bytes, and it panics if and only if a promise is broken.

#![allow(unreachable_pub, reason = "included by a test binary too, from which nothing is reachable")]
#![allow(clippy::missing_panics_doc, reason = "a panic is how a check fails")]

mod bytes;
mod history;
mod http_date;
mod http_read;
mod http_structured;
mod keyed_table;
mod left;
mod locked;
mod policy_text;
mod sliding_log;
mod token_bucket;
mod window_counter;

// The parts of the reader of responses that are compared with other crates.
#[allow(dead_code, reason = "only a part of it is compared")]
#[path = "../../../src/http/read/date.rs"]
mod date;
#[allow(dead_code, reason = "only a part of it is compared")]
#[path = "../../../src/http/read/number.rs"]
mod number;
#[allow(dead_code, reason = "only a part of it is compared")]
#[path = "../../../src/http/read/structured.rs"]
mod structured;

pub use http_date::http_date;
pub use http_read::http_read;
pub use http_structured::http_structured;
pub use keyed_table::keyed_table;
pub use locked::locked;
pub use policy_text::policy_text;
pub use sliding_log::sliding_log;
pub use token_bucket::{token_bucket_nominal, token_bucket_strict};
pub use window_counter::window_counter;
