//! The layer of a client, in tokio's paused time: when calls are sent, in which order, how often, and what a server's words
//! change; and over real sockets, by reqwest, by hyper-util, and against the layer of a server.
#![allow(missing_docs, reason = "tests")]

mod world;

mod deadlines;
mod dropped;
mod feedback;
mod hosts;
mod order;
mod repeats;
mod sockets;
mod storm;
