//! An object of the store. What must hold is said, and checked, at `segment`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| milena_storage::fuzzing::segment(data));
