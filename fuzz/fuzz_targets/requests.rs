//! A frame as a broker gets it: header, then the body that the header announces. What decodes must encode to
//! something that decodes to the same.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use milena_protocol::{frame, messages};

fuzz_target!(|data: &[u8]| {
    let Ok((header, body)) = frame::decode_request(Bytes::copy_from_slice(data)) else { return };
    let info = messages::REQUESTS.iter().find(|m| m.api_key == Some(header.key.code()));
    let info = info.expect("every api has a request");
    let body = Bytes::copy_from_slice(&data[data.len() - body.remaining()..]);
    let Ok((once, _)) = (info.recode)(body, header.version) else { return };
    let (twice, left) = (info.recode)(once.to_bytes(), header.version).expect("what was written can be read");
    assert_eq!(left, 0);
    assert_eq!(once.to_bytes(), twice.to_bytes());
});
