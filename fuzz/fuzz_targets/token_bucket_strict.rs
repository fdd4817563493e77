//! The strict bucket against the exact bucket of its plan, and against every window.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tollgate_fuzz::token_bucket_strict(data));
