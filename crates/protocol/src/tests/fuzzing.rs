//! Bytes that are no message: every decoder gives an error or a message, never a panic, never much
//! memory.

use crate::{
    DecodeError, Decoder, Message, MessageInfo, frame,
    messages::{self, metadata_request::MetadataRequest, offset_fetch_request::OffsetFetchRequest},
};
use bytes::Bytes;

use super::{
    bodies::{TestRng, random_body, uvarint},
    codegen::{SCHEMAS, schema},
};

fn every_message() -> impl Iterator<Item = &'static MessageInfo> {
    messages::REQUESTS.iter().chain(messages::RESPONSES).chain(messages::STORED)
}

/// Peak resident memory of this process in KiB; 0 where `/proc` does not exist.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status
        .lines()
        .find_map(|l| l.strip_prefix("VmHWM:"))
        .and_then(|l| l.split_whitespace().next());
    peak.and_then(|kib| kib.parse().ok()).unwrap_or(0)
}

/// Behaviour 9. A well-known decoder reserves 309 GB for these eight bytes and aborts.
#[test]
fn eight_bytes_of_metadata_reserve_nothing() {
    for version in MetadataRequest::VERSIONS {
        let count: [u8; 4] =
            if version < 9 { [0x7f, 0xff, 0xff, 0xff] } else { [0xff, 0xff, 0xff, 0x7f] };
        let body = Bytes::from([count, [0; 4]].concat());
        let result = MetadataRequest::decode(&mut Decoder::new(body), version);
        assert!(matches!(result, Err(DecodeError::Truncated { .. })), "v{version}: {result:?}");
    }
    assert!(peak_kib() < 2 << 20);
}

/// Behaviour 9: as many empty names as fit a large frame would take twelve times its size and more.
#[test]
fn elements_that_cost_more_memory_than_their_bytes_justify_are_refused() {
    let count = 8 << 20;
    let mut body = Vec::new();
    uvarint(count + 1, &mut body);
    body.resize(body.len() + count as usize, 1);
    let result = MetadataRequest::decode(&mut Decoder::new(Bytes::from(body)), 9);
    assert!(matches!(result, Err(DecodeError::TooManyElements { .. })), "{result:?}");
}

/// An honest request with very many very short names stays within the budget.
#[test]
fn honest_requests_stay_within_the_budget() {
    let topics = (0..50_000).map(|_| messages::offset_fetch_request::OffsetFetchRequestTopic {
        name: "t".into(),
        partition_indexes: vec![1],
    });
    let request = OffsetFetchRequest { topics: Some(topics.collect()), ..Default::default() };
    let mut encoder = crate::Encoder::new();
    request.encode(&mut encoder, 7);
    assert_eq!(OffsetFetchRequest::decode(&mut Decoder::new(encoder.into_bytes()), 7), Ok(request));
}

/// Behaviour 9: tags cannot outnumber the bytes either.
#[test]
fn counts_of_tagged_fields_are_bounded() {
    let mut header = vec![0, 3, 0, 9, 0, 0, 0, 1, 0xff, 0xff];
    uvarint(u64::from(u32::MAX), &mut header);
    assert!(frame::decode_request(Bytes::from(header)).is_err());
}

#[test]
fn random_bytes_never_panic_any_decoder() {
    for info in every_message() {
        let mut rng = TestRng::named(info.name, 1);
        for version in info.versions.clone() {
            for round in 0..40 {
                let length = rng.below(64);
                let body: Vec<u8> = (0..length)
                    .map(|_| match round % 3 {
                        0 => rng.next() as u8,
                        1 => rng.below(4) as u8,
                        _ => [0, 1, 0x7f, 0xff][rng.below(4)],
                    })
                    .collect();
                let _ = (info.recode)(Bytes::from(body), version);
            }
        }
    }
    assert!(peak_kib() < 2 << 20);
}

#[test]
fn truncated_and_altered_messages_never_panic_any_decoder() {
    let schemas = schema::parse(SCHEMAS);
    for info in every_message() {
        let schema =
            schemas.iter().find(|s| s.name == info.name).expect("every message has a schema");
        let mut rng = TestRng::named(info.name, 2);
        for version in info.versions.clone() {
            for _ in 0..4 {
                let body = random_body(schema, version, &mut rng).bytes;
                let whole = Bytes::from(body.clone());
                for _ in 0..6 {
                    let cut = whole.slice(..rng.below(whole.len() + 1));
                    if let Ok((_, left)) = (info.recode)(cut.clone(), version) {
                        assert!(left <= cut.len());
                    }
                }
                for _ in 0..6 {
                    let mut altered = body.clone();
                    for _ in 0..=rng.below(3) {
                        if !altered.is_empty() {
                            let at = rng.below(altered.len());
                            altered[at] = rng.next() as u8;
                        }
                    }
                    let _ = (info.recode)(Bytes::from(altered), version);
                }
            }
        }
    }
    assert!(peak_kib() < 2 << 20);
}
