//! The nominal buckets against the exact bucket with the same history.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tollgate_fuzz::token_bucket_nominal(data));
