//! Frames, headers and what a version does to a message. Numbered behaviours are those of
//! Kafka-compatible brokers that others got wrong.

use crate::{
    ApiKey, Decoder, Encoder, KString, Message, Records, Uuid, decode_versioned, encode_versioned,
    frame::{self, FrameError},
    messages::{
        api_versions_request::ApiVersionsRequest,
        api_versions_response::{ApiVersion, ApiVersionsResponse, SupportedFeatureKey},
        consumer_protocol_subscription::ConsumerProtocolSubscription,
        fetch_request::{FetchPartition, FetchRequest, FetchTopic},
        fetch_response::{FetchResponse, FetchableTopicResponse, PartitionData},
        join_group_request::JoinGroupRequest,
        metadata_request::MetadataRequest,
        produce_request::{PartitionProduceData, ProduceRequest, TopicProduceData},
        sasl_handshake_request::SaslHandshakeRequest,
    },
};
use bytes::Bytes;

fn encode<M: Message>(message: &M, version: i16) -> Vec<u8> {
    let mut encoder = Encoder::new();
    message.encode(&mut encoder, version);
    encoder.into_bytes().to_vec()
}

fn decode<M: Message>(bytes: &[u8], version: i16) -> M {
    let mut decoder = Decoder::new(Bytes::copy_from_slice(bytes));
    let message = M::decode(&mut decoder, version).expect("it decodes");
    decoder.finish().expect("all of it");
    message
}

fn body_of(frame: &Bytes) -> Bytes {
    let length =
        frame::frame_length(frame[..4].try_into().expect("four bytes"), frame::MAX_FRAME_BYTES);
    assert_eq!(length, Ok(frame.len() - 4));
    frame.slice(4..)
}

/// Behaviour 2.
#[test]
fn api_versions_is_answered_with_header_0_in_every_version() {
    for version in 0..=4 {
        assert_eq!(ApiKey::ApiVersions.response_header_version(version), 0);
        let response = ApiVersionsResponse::default();
        let frame = frame::encode_response(ApiKey::ApiVersions, version, 7, &response);
        let frame = frame.expect("it fits").to_bytes();
        assert_eq!(
            &body_of(&frame)[..6],
            [0, 0, 0, 7, 0, 0],
            "correlation id, then at once the error code"
        );
        let back = frame::decode_response::<ApiVersionsRequest>(body_of(&frame), version);
        assert_eq!(back, Ok(response));
    }
    assert_eq!(ApiKey::Metadata.response_header_version(9), 1);
    assert_eq!(ApiKey::Metadata.response_header_version(8), 0);
}

/// Behaviour 3: old librdkafka miscounts tagged fields, so none is written without need.
#[test]
fn tagged_fields_at_their_default_are_not_written() {
    let mut response = ApiVersionsResponse {
        api_keys: vec![ApiVersion { api_key: 18, min_version: 0, max_version: 4 }],
        ..Default::default()
    };
    let plain = encode(&response, 3);
    assert_eq!(plain.last(), Some(&0), "no tagged fields");
    response.finalized_features_epoch = 5;
    response.supported_features =
        vec![SupportedFeatureKey { name: "kraft.version".into(), min_version: 0, max_version: 1 }];
    let tagged = encode(&response, 3);
    assert!(tagged.len() > plain.len());
    assert_eq!(decode::<ApiVersionsResponse>(&tagged, 3), response);

    let fetch = FetchResponse {
        responses: vec![FetchableTopicResponse {
            partitions: vec![PartitionData::default()],
            ..Default::default()
        }],
        ..Default::default()
    };
    let bytes = encode(&fetch, 12);
    assert_eq!(
        &bytes[bytes.len() - 3..],
        [0, 0, 0],
        "three structs end here, none with a tagged field"
    );
}

/// Behaviour 7.
#[test]
fn client_ids_may_be_null_or_empty_and_are_never_compact() {
    for client_id in [None, Some(KString::default()), Some(KString::from("ich"))] {
        for version in [2, 3] {
            let frame = frame::encode_request(
                &ApiVersionsRequest::default(),
                version,
                9,
                client_id.as_ref(),
            );
            let frame = body_of(&frame.to_bytes());
            let length = client_id.as_ref().map_or(-1, |id| id.len() as i16);
            assert_eq!(frame[8..10], length.to_be_bytes());
            let (header, mut body) = frame::decode_request(frame).expect("it decodes");
            assert_eq!(
                (header.key, header.version, header.correlation_id),
                (ApiKey::ApiVersions, version, 9)
            );
            assert_eq!(header.client_id, client_id);
            assert_eq!(
                ApiVersionsRequest::decode(&mut body, version),
                Ok(ApiVersionsRequest::default())
            );
            body.finish().expect("all of it");
        }
    }
}

/// Behaviour 7.
#[test]
fn sasl_handshake_is_never_flexible_and_controlled_shutdown_0_has_no_client_id() {
    assert_eq!(ApiKey::SaslHandshake.request_header_version(1), 1);
    assert_eq!(ApiKey::SaslHandshake.response_header_version(1), 0);
    let request = SaslHandshakeRequest { mechanism: "PLAIN".into() };
    assert_eq!(encode(&request, 1), b"\0\x05PLAIN");
    if let Ok(controlled_shutdown) = ApiKey::try_from(7) {
        assert_eq!(controlled_shutdown.request_header_version(0), 0);
    }
    assert_eq!(ApiKey::Produce.request_header_version(8), 1);
    assert_eq!(ApiKey::Produce.request_header_version(9), 2);
}

/// Behaviours 1 and 6 begin here: the header of a version from the future can be read, its body is
/// left alone.
#[test]
fn a_header_of_an_unknown_version_is_read() {
    let mut e = Encoder::new();
    e.i16(18);
    e.i16(99);
    e.i32(1);
    e.string("new", false);
    e.uvarint(0);
    let (header, mut body) = frame::decode_request(e.into_bytes()).expect("the header is readable");
    assert_eq!((header.key, header.version), (ApiKey::ApiVersions, 99));
    assert!(ApiVersionsRequest::decode(&mut body, 99).is_err());
}

#[test]
fn frames_of_impossible_size_and_unknown_apis_are_refused() {
    for bytes in [[0xff; 4], [0x7f, 0xff, 0xff, 0xff], *b"GET ", [0x16, 3, 1, 2]] {
        assert!(matches!(
            frame::frame_length(bytes, frame::MAX_FRAME_BYTES),
            Err(FrameError::Length { .. })
        ));
    }
    let request = Bytes::from_static(&[0x7f, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]);
    assert!(matches!(frame::decode_request(request), Err(FrameError::UnknownApi(_))));
    assert!(matches!(
        frame::decode_request(Bytes::from_static(&[0, 3, 0])),
        Err(FrameError::Decode(_))
    ));
}

/// Behaviour 10.
#[test]
fn fields_that_a_version_lacks_are_dropped_when_encoded_and_defaulted_when_decoded() {
    let mut request = FetchRequest {
        rack_id: "a".into(),
        session_id: 5,
        topics: vec![FetchTopic {
            topic: "t".into(),
            topic_id: Uuid::from_u128(7),
            partitions: vec![FetchPartition { current_leader_epoch: 3, ..Default::default() }],
        }],
        ..Default::default()
    };
    let old: FetchRequest = decode(&encode(&request, 4), 4);
    assert_eq!((old.rack_id.as_str(), old.session_id), ("", 0));
    assert_eq!(old.topics[0].partitions[0].current_leader_epoch, -1);
    assert_eq!(old.topics[0].topic_id, Uuid::nil());
    let new: FetchRequest = decode(&encode(&request, 13), 13);
    request.topics[0].topic = KString::default();
    assert_eq!(new, request);
}

/// Behaviour 11 begins here: version 0 has no null, and its empty list means all topics.
#[test]
fn a_null_where_the_version_has_none_becomes_the_empty_value() {
    let all = MetadataRequest { topics: None, ..Default::default() };
    assert_eq!(encode(&all, 0), [0, 0, 0, 0]);
    assert_eq!(encode(&all, 1), [0xff; 4]);
    assert_eq!(decode::<MetadataRequest>(&encode(&all, 9), 9).topics, None);
    assert!(MetadataRequest::decode(&mut Decoder::new(Bytes::from_static(&[0xff; 4])), 0).is_err());
}

/// Behaviour 30 begins here.
#[test]
fn records_of_a_default_answer_are_empty_and_not_null() {
    let answer = PartitionData::default();
    let bytes = encode(&answer, 4);
    assert_eq!(&bytes[bytes.len() - 4..], [0; 4]);
}

#[test]
fn records_go_out_as_the_buffers_they_came_in() {
    let (first, second) = (Bytes::from(vec![1; 5000]), Bytes::from(vec![2; 3000]));
    let small = Bytes::from_static(b"small");
    let partition = |parts: Vec<Bytes>| PartitionData {
        records: Some(Records::from(parts)),
        ..Default::default()
    };
    let response = FetchResponse {
        responses: vec![FetchableTopicResponse {
            topic: "t".into(),
            partitions: vec![
                partition(vec![first.clone(), second.clone()]),
                partition(vec![small]),
                partition(vec![]),
            ],
            ..Default::default()
        }],
        ..Default::default()
    };
    for version in [4, 11, 12, 17] {
        let frame = frame::encode_response(ApiKey::Fetch, version, 1, &response);
        let frame = frame.expect("it fits");
        let same =
            |part: &Bytes, of: &Bytes| part.as_ptr() == of.as_ptr() && part.len() == of.len();
        assert!(
            same(&frame.parts[1], &first) && same(&frame.parts[2], &second),
            "v{version} copies"
        );
        assert_eq!(frame.parts.len(), 4);
        let back = frame::decode_response::<FetchRequest>(body_of(&frame.to_bytes()), version)
            .expect("it decodes");
        let records = back.responses[0].partitions[0].records.as_ref().expect("not null");
        assert_eq!(records.len(), 8000);
        assert_eq!(back.responses[0].partitions, response.responses[0].partitions);
    }
}

/// Its length would wrap, and the client would take the rest for other responses.
#[test]
fn a_response_that_no_frame_can_hold_is_refused() {
    let records = Bytes::from(vec![0; 64 << 20]);
    let partition = |parts: Vec<Bytes>| PartitionData {
        records: Some(Records::from(parts)),
        ..Default::default()
    };
    let response = |count: usize| FetchResponse {
        responses: vec![FetchableTopicResponse {
            partitions: (0..count).map(|_| partition(vec![records.clone()])).collect(),
            ..Default::default()
        }],
        ..Default::default()
    };
    let encode = |count| frame::encode_response(ApiKey::Fetch, 12, 1, &response(count));
    let largest = encode(31).expect("below the limit");
    let length = i32::from_be_bytes(largest.parts[0][..4].try_into().expect("four bytes"));
    assert_eq!(length as usize, largest.len() - 4);
    for count in [32, 64] {
        let refused = encode(count).expect_err("no frame can hold it");
        assert!(refused.bytes > count * records.len());
    }
}

#[test]
fn records_of_a_request_are_a_slice_of_its_frame() {
    let records = Bytes::from(vec![3; 4096]);
    let request = ProduceRequest {
        topic_data: vec![TopicProduceData {
            name: "t".into(),
            partition_data: vec![PartitionProduceData { index: 0, records: Some(records) }],
            ..Default::default()
        }],
        ..Default::default()
    };
    let frame = body_of(&frame::encode_request(&request, 9, 1, None).to_bytes());
    let (header, mut body) = frame::decode_request(frame.clone()).expect("it decodes");
    let back = ProduceRequest::decode(&mut body, header.version).expect("it decodes");
    let records = back.topic_data[0].partition_data[0].records.as_ref().expect("not null");
    assert!(frame.as_ptr_range().contains(&records.as_ptr()));
    assert_eq!(records.len(), 4096);
}

#[test]
fn unknown_tagged_fields_are_skipped() {
    let mut bytes = encode(&JoinGroupRequest::default(), 6);
    assert_eq!(bytes.pop(), Some(0));
    bytes.extend([2, 90, 3, 1, 2, 3, 91, 0]);
    assert_eq!(decode::<JoinGroupRequest>(&bytes, 6), JoinGroupRequest::default());
}

#[test]
fn a_string_too_long_for_the_wire_is_cut_at_a_character() {
    let request = SaslHandshakeRequest { mechanism: "日".repeat(20_000).into() };
    let back: SaslHandshakeRequest = decode(&encode(&request, 1), 1);
    assert_eq!(back.mechanism.len(), 32_766);
}

#[test]
fn blobs_with_a_version_prefix_round_trip_and_newer_ones_are_read_as_the_newest_known() {
    let subscription =
        ConsumerProtocolSubscription { topics: vec!["a".into(), "b".into()], ..Default::default() };
    let bytes = encode_versioned(&subscription, 1, 1);
    assert_eq!(decode_versioned(&bytes), Ok((1, subscription.clone())));
    let from_the_future = encode_versioned(&subscription, 9, 3);
    assert_eq!(decode_versioned(&from_the_future), Ok((9, subscription)));
}
