//! A table of one set, against one exact bucket for each key.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tollgate_fuzz::keyed_table(data));
