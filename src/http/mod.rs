//! A limiter's answer as HTTP fields, and a server's fields as an answer (feature `http`).

mod read;
mod write;
