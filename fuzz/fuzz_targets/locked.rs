//! The four references, each against a list of all grants.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tollgate_fuzz::locked(data));
