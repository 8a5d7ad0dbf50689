//! A cluster's records. What must hold is said, and checked, at `metadata_records`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| milena_metadata::metadata_records(data));
