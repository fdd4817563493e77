//! The shipped core of `src/keyed`, with the rules for newcomers replaced by ones that can be broken.

#[path = "newcomer.rs"]
mod newcomer;
#[path = "../../src/keyed/table.rs"]
pub(crate) mod table;

/// The shipped rules, which `newcomer` follows where nothing is broken.
#[path = "../../src/keyed/newcomer.rs"]
mod shipped;
