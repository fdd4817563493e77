//! Times in logs: numbers digit by digit, dates day by day.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tollgate_fuzz::log_clock(data));
