//! Leases, in virtual time.
