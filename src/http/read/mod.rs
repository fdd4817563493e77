//! What a server said, from the fields of its response.
