// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `ShareGroupHeartbeatRequest`, versions 1.

use crate::{ApiKey, DecodeError, Decoder, Encoder, KString, Message, Request};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShareGroupHeartbeatRequest {
    /// `string`, versions 1.
    pub group_id: KString,
    /// `string`, versions 1.
    pub member_id: KString,
    /// `int32`, versions 1.
    pub member_epoch: i32,
    /// `string`, versions 1, default null.
    pub rack_id: Option<KString>,
    /// `[]string`, versions 1, default null.
    pub subscribed_topic_names: Option<Vec<KString>>,
}

impl Message for ShareGroupHeartbeatRequest {
    const VERSIONS: std::ops::RangeInclusive<i16> = 1..=1;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.group_id = d.string(true)?;
        m.member_id = d.string(true)?;
        m.member_epoch = d.i32()?;
        m.rack_id = d.nullable_string(true)?;
        m.subscribed_topic_names = d.nullable_array(true)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.string(&self.group_id, true);
        e.string(&self.member_id, true);
        e.i32(self.member_epoch);
        e.nullable_string(self.rack_id.as_ref(), true);
        e.nullable_array(self.subscribed_topic_names.as_ref(), true);
        e.uvarint(0);
    }
}

impl Request for ShareGroupHeartbeatRequest {
    const KEY: ApiKey = ApiKey::ShareGroupHeartbeat;
    type Response = super::share_group_heartbeat_response::ShareGroupHeartbeatResponse;
}
