//! Every message against its schema, and against the `kafka-protocol` crate where that knows the
//! version.

use crate::{MessageInfo, messages};
use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::{ApiKey as TheirKey, RequestKind, ResponseKind};

use super::{
    bodies::{TestRng, random_body},
    codegen::{SCHEMAS, schema},
};

const ROUNDS: u64 = 12;

fn recode(info: &MessageInfo, version: i16, body: &[u8]) -> Bytes {
    let (frame, left) = (info.recode)(Bytes::copy_from_slice(body), version)
        .unwrap_or_else(|e| panic!("{} v{version}: {e}: {body:02x?}", info.name));
    assert_eq!(left, 0, "{} v{version} leaves bytes: {body:02x?}", info.name);
    frame.to_bytes()
}

fn every_message() -> impl Iterator<Item = &'static MessageInfo> {
    messages::REQUESTS.iter().chain(messages::RESPONSES).chain(messages::STORED)
}

#[test]
fn every_message_in_every_version_is_what_its_schema_says() {
    let schemas = schema::parse(SCHEMAS);
    let mut checked = 0;
    for info in every_message() {
        let schema =
            schemas.iter().find(|s| s.name == info.name).expect("every message has a schema");
        for version in info.versions.clone() {
            for round in 0..ROUNDS {
                let body = random_body(
                    schema,
                    version,
                    &mut TestRng::named(info.name, round << 16 | version as u64),
                );
                let ours = recode(info, version, &body.bytes);
                if body.canonical {
                    assert!(
                        ours == body.bytes,
                        "{} v{version}\n{ours:02x?}\n{:02x?}",
                        info.name,
                        body.bytes
                    );
                }
                assert!(
                    recode(info, version, &ours) == ours,
                    "{} v{version} does not settle",
                    info.name
                );
                checked += 1;
            }
        }
    }
    assert!(checked > 5000, "{checked}");
}

type Recode = fn(TheirKey, &mut Bytes, i16) -> Option<BytesMut>;

fn their_request(key: TheirKey, body: &mut Bytes, version: i16) -> Option<BytesMut> {
    let mut out = BytesMut::new();
    RequestKind::decode(key, body, version).ok()?.encode(&mut out, version).ok()?;
    Some(out)
}

fn their_response(key: TheirKey, body: &mut Bytes, version: i16) -> Option<BytesMut> {
    let mut out = BytesMut::new();
    ResponseKind::decode(key, body, version).ok()?.encode(&mut out, version).ok()?;
    Some(out)
}

#[test]
fn another_implementation_reads_and_writes_the_same_bytes() {
    let schemas = schema::parse(SCHEMAS);
    let (mut agreed, mut refused) = (0, Vec::new());
    for (list, theirs) in
        [(messages::REQUESTS, their_request as Recode), (messages::RESPONSES, their_response)]
    {
        for info in list {
            let Ok(key) = TheirKey::try_from(info.api_key.expect("it has a key")) else { continue };
            let schema =
                schemas.iter().find(|s| s.name == info.name).expect("every message has a schema");
            for version in info.versions.clone() {
                let known = key.valid_versions();
                if version < known.min || version > known.max {
                    continue;
                }
                for round in 0..ROUNDS {
                    let body = random_body(
                        schema,
                        version,
                        &mut TestRng::named(info.name, round << 16 | version as u64),
                    );
                    let ours = recode(info, version, &body.bytes);
                    let Some(theirs) = theirs(key, &mut ours.clone(), version) else {
                        refused.push(format!("{} v{version}", info.name));
                        continue;
                    };
                    let difference = format!(
                        "{} v{version}\nours   {ours:02x?}\ntheirs {theirs:02x?}",
                        info.name
                    );
                    assert!(theirs == ours, "{difference}");
                    assert!(recode(info, version, &theirs) == ours, "{difference}");
                    agreed += 1;
                }
            }
        }
    }
    refused.dedup();
    assert!(agreed > 3000, "{agreed}");
    // It lists these versions as its own, but their messages stop one version earlier.
    assert_eq!(
        refused,
        ["InitProducerIdRequest v6", "OffsetCommitRequest v10", "OffsetFetchRequest v10"]
    );
}
