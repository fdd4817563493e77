//! Layers for servers and for clients (feature `tower`).

mod client;
pub mod server;
