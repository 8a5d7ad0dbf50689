//! A request frame. What must hold is said, and checked, at `requests`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| milena_protocol::fuzzing::requests(data));
