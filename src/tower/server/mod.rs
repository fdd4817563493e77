//! The layer of a server: it refuses.
