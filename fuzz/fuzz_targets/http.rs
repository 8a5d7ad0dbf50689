//! A request to the API. Properties: see `http_requests`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| milena_service::http_requests(data));
