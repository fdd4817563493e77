//! Common and Combined Log Format: any bytes, and requests that are written and read again.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tollgate_fuzz::log_access(data));
