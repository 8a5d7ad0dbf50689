// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `ConsumerGroupDescribeRequest`, versions 0-1.

use crate::{ApiKey, DecodeError, Decoder, Encoder, KString, Message, Request};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConsumerGroupDescribeRequest {
    /// `[]string`, versions 0-1.
    pub group_ids: Vec<KString>,
    /// `bool`, versions 0-1.
    pub include_authorized_operations: bool,
}

impl Message for ConsumerGroupDescribeRequest {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.group_ids = d.array(true)?;
        m.include_authorized_operations = d.bool()?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.array(&self.group_ids, true);
        e.bool(self.include_authorized_operations);
        e.uvarint(0);
    }
}

impl Request for ConsumerGroupDescribeRequest {
    const KEY: ApiKey = ApiKey::ConsumerGroupDescribe;
    type Response = super::consumer_group_describe_response::ConsumerGroupDescribeResponse;
}
