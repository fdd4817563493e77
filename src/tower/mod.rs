//! Layers for servers and for clients (feature `tower`).

pub mod client;
pub mod server;
