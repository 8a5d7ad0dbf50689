//! A cluster's records. Properties: see `metadata_records`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| milena_metadata::metadata_records(data));
