//! The shipped core of `src/keyed`.

#[path = "../../src/keyed/newcomer.rs"]
mod newcomer;
#[path = "../../src/keyed/table.rs"]
pub(crate) mod table;
