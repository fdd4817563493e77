//! The window counter against the counter of its plan, and against every window.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tollgate_fuzz::window_counter(data));
