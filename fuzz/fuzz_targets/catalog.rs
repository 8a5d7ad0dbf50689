//! Records and snapshots of storage. Properties: see `catalog_records`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| milena_storage::fuzzing::catalog_records(data));
