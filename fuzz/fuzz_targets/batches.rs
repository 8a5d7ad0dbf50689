//! Record batches and old message sets. What must hold is said, and checked, at `batches`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| milena_records::fuzzing::batches(data));
