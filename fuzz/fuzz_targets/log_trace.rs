//! The reader of traces against one that works digit by digit.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tollgate_fuzz::log_trace(data));
