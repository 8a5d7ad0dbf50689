//! The short way to read a record against the long one.

use milena_types::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::{
    builder::{BatchBuilder, NewRecord},
    bytes_in::{put_varint, put_varlong},
};

fn walk() -> RecordWalk {
    let mut builder = BatchBuilder::new(Compression::None);
    builder.push(&NewRecord { timestamp: Timestamp(1_700_000_000_000), ..NewRecord::default() });
    RecordWalk::new(&builder.build().expect("a batch")).expect("no codec")
}

/// Around the lengths at which a number takes another byte.
fn number() -> impl Strategy<Value = i32> {
    prop_oneof![-2..3, 60..70, -66..-60, 8180..8200, -8200..-8180, any::<i32>()]
}

fn content() -> impl Strategy<Value = Option<Vec<u8>>> {
    proptest::option::of(prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..70),
        Just(vec![7; 8191]),
        Just(vec![7; 8192]),
    ])
}

fn put(out: &mut Vec<u8>, content: Option<&[u8]>) {
    put_varint(out, content.map_or(-1, |content| content.len() as i32));
    out.extend_from_slice(content.unwrap_or(&[]));
}

prop_compose! {
    fn record()(
        attributes: u8,
        time in prop_oneof![number().prop_map(i64::from), any::<i64>()],
        offset in number(),
        key in content(),
        value in content(),
        headers in prop_oneof![4 => Just(0), 1 => 0..3],
    ) -> Vec<u8> {
        let mut out = vec![attributes];
        put_varlong(&mut out, time);
        put_varint(&mut out, offset);
        put(&mut out, key.as_deref());
        put(&mut out, value.as_deref());
        put_varint(&mut out, headers);
        for _ in 0..headers {
            put(&mut out, Some(b"header"));
            put(&mut out, None);
        }
        out
    }
}

proptest! {
    #[test]
    fn what_is_read_the_short_way_is_what_the_long_way_reads(
        mut body in record(),
        damage in proptest::option::of((any::<prop::sample::Index>(), any::<u8>())),
        cut in proptest::option::of(any::<prop::sample::Index>()),
        longer in prop_oneof![4 => Just(0), 1 => -3..4],
        behind in proptest::collection::vec(any::<u8>(), 0..20),
    ) {
        if let Some((place, byte)) = damage {
            let place = place.index(body.len().min(20));
            body[place] = byte;
        }
        if let Some(cut) = cut {
            body.truncate(cut.index(body.len()));
        }
        let mut bytes = Vec::new();
        put_varint(&mut bytes, body.len() as i32 + longer);
        bytes.extend_from_slice(&body);
        bytes.extend_from_slice(&behind);
        let walk = walk();
        if let Some((head, size)) = walk.read_usual(5, &bytes) {
            let mut input = BytesIn::new(&bytes);
            let len = input.varint().and_then(|len| usize::try_from(len).ok());
            let body = len.and_then(|len| input.take(len)).expect("a whole record");
            prop_assert_eq!(bytes.len() - input.len(), size);
            prop_assert_eq!(walk.read(5, body), Ok(head));
        }
    }
}

#[test]
fn the_short_way_reads_usual_records() {
    let walk = walk();
    let key = [1; 30];
    for (time, offset) in [(0, 0), (63, 64), (-64, 8191), (8191, 100)] {
        for (key, value) in [(None, 100), (Some(&key[..]), 0), (Some(&[]), 8100), (None, 3)] {
            let mut body = vec![0];
            put_varlong(&mut body, time);
            put_varint(&mut body, offset);
            put(&mut body, key);
            put(&mut body, Some(&vec![1; value]));
            body.push(0);
            let mut bytes = Vec::new();
            put_varint(&mut bytes, body.len() as i32);
            bytes.extend_from_slice(&body);
            let (head, size) = walk.read_usual(3, &bytes).expect("it is a usual one");
            assert_eq!(size, bytes.len());
            assert_eq!(walk.read(3, &body), Ok(head));
            assert_eq!((head.offset_delta, head.has_key), (offset, key.is_some()));
            assert_eq!(head.timestamp.raw(), 1_700_000_000_000 + time);
        }
    }
}
