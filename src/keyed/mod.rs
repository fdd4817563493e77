//! A limit for each caller: any number of keys in fixed memory, and no debt is ever forgotten.
//!
//! A [`KeyedLimiter`] keeps for each key the strict plan of its policy (see [`Plan`](crate::Plan)): at most 50 calls per
//! minute and 1500 per hour for each, say. It is one table of 8-byte slots, allocated once. A decision reads one cache line
//! and a grant replaces one word of it. There is no lock, no allocation, no clean-up and no `unsafe` code.
//!
//! # What is promised
//!
//! - **No key is ever granted more than its plan**, whatever other keys do. A key can lose its slot only when no other key
//!   of its set owes less, and when it comes back it owes at least as much as before.
//! - **A table that is too small is strict, not loose.** A newcomer takes over the debt of the slot that it takes, so a
//!   flood of invented keys can cost newcomers a part of their burst, and at worst gets them refused. It resets nobody.
//!   [`Usage`] shows how close a table is to that.
//! - **Two keys may share a bucket**, when they have the same set and the same identity of 12 to 16 bits: both together get
//!   what one would. The probability for two given keys is 1 in [`KeyedTable::identities`], 1 in 8.2 billion for a
//!   million slots.
//! - **Refusals are exact for the slot that they met:** a retry at the instant that they name is granted, and an earlier one
//!   is refused, if no other key takes the slot before.
//! - **Lock-free:** a thread that is stopped anywhere stops nobody.
//!
//! A grant cannot be undone and a table cannot be rescaled to another rule: either would make a word smaller, and then a
//! debt could be forgotten. For another rule, fit another plan to the same table ([`KeyedTable::fit`]), or build a new table.
//!
//! # Which one
//!
//! | | keys | memory | a full one | choose it when |
//! |---|---|---|---|---|
//! | [`KeyedLimiter`] | by hash | 8 bytes for each slot | is stricter with newcomers | callers are many, or hostile |
//! | `KeyedRule` (feature `std`) | exact | less than 64 bytes for each key of 8 | refuses newcomers | the whole limit may come at once |
//! | `KeyedMap` (feature `std`) | exact | the key and a limiter for each | refuses newcomers | callers are few, and need the exact log or a queue |

#[cfg(feature = "std")]
mod entries;
mod error;
#[cfg(feature = "std")]
mod forgettable;
mod grid;
#[cfg(feature = "std")]
mod keyed_rule;
mod keyed_table;
mod limiter;
#[cfg(feature = "std")]
mod map;
mod newcomer;
mod plan;
mod prefix;
mod table;
mod usage;

pub use error::KeyedError;
pub use keyed_table::KeyedTable;
pub use limiter::KeyedLimiter;
pub use plan::KeyPlan;
pub use prefix::Prefix;
pub use usage::Usage;
#[cfg(feature = "std")]
#[cfg_attr(docsrs, doc(cfg(feature = "std")))]
pub use {
    forgettable::Forgettable,
    keyed_rule::{KeyedRule, Refused},
    map::{KeyedMap, MapFull},
};
