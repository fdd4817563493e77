//! The layer of a server: over real sockets with axum, and step by step without.

mod addresses;
mod cors;
mod decisions;
mod fields;
mod futures;
mod limiters;
mod load;
mod support;
