//! What a server says: the fields and the body of a response.
