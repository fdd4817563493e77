//! One rate limit of several windows over many machines.
