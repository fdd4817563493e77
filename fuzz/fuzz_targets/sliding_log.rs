//! The sliding log against the exact rule on its grid.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tollgate_fuzz::sliding_log(data));
