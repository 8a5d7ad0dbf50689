//! Records and snapshots of storage. What must hold is said, and checked, at `ledger_records`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| milena_storage::fuzzing::ledger_records(data));
