//! Record batches and old message sets. Properties: see `batches`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| milena_records::fuzzing::batches(data));
