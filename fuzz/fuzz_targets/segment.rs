//! An object of the store. Properties: see `segment`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| milena_storage::fuzzing::segment(data));
