//! The layer of a client: it waits for its turn.
