// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `HeartbeatRequest`, versions 0-4.

use crate::{ApiKey, DecodeError, Decoder, Encoder, KString, Message, Request};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HeartbeatRequest {
    /// `string`, versions 0-4.
    pub group_id: KString,
    /// `int32`, versions 0-4.
    pub generation_id: i32,
    /// `string`, versions 0-4.
    pub member_id: KString,
    /// `string`, versions 3-4, default null.
    pub group_instance_id: Option<KString>,
}

impl Message for HeartbeatRequest {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=4;
    const FLEXIBLE_FROM: i16 = 4;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.group_id = d.string(flexible)?;
        m.generation_id = d.i32()?;
        m.member_id = d.string(flexible)?;
        if version >= 3 { m.group_instance_id = d.nullable_string(flexible)?; }
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.string(&self.group_id, flexible);
        e.i32(self.generation_id);
        e.string(&self.member_id, flexible);
        if version >= 3 { e.nullable_string(self.group_instance_id.as_ref(), flexible); }
        if flexible {
            e.uvarint(0);
        }
    }
}

impl Request for HeartbeatRequest {
    const KEY: ApiKey = ApiKey::Heartbeat;
    type Response = super::heartbeat_response::HeartbeatResponse;
}
