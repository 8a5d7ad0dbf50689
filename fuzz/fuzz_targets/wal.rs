//! Files of a write-ahead directory. Properties: see `write_ahead_log`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| milena_storage::fuzzing::write_ahead_log(data));
