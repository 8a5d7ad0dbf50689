// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `ShareGroupDescribeRequest`, versions 1.

use crate::{ApiKey, DecodeError, Decoder, Encoder, KString, Message, Request};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShareGroupDescribeRequest {
    /// `[]string`, versions 1.
    pub group_ids: Vec<KString>,
    /// `bool`, versions 1.
    pub include_authorized_operations: bool,
}

impl Message for ShareGroupDescribeRequest {
    const VERSIONS: std::ops::RangeInclusive<i16> = 1..=1;
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

impl Request for ShareGroupDescribeRequest {
    const KEY: ApiKey = ApiKey::ShareGroupDescribe;
    type Response = super::share_group_describe_response::ShareGroupDescribeResponse;
}
