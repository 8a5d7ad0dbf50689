//! A request frame. Properties: see `requests`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| milena_protocol::fuzzing::requests(data));
