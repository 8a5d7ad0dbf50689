// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `JoinGroupResponse`, versions 0-9.

use bytes::Bytes;

use crate::{DecodeError, Decoder, Encoder, KString, Message};

/// The message.
#[derive(Clone, Debug, PartialEq)]
pub struct JoinGroupResponse {
    /// `int32`, versions 2-9.
    pub throttle_time_ms: i32,
    /// `int16`, versions 0-9.
    pub error_code: i16,
    /// `int32`, versions 0-9, default -1.
    pub generation_id: i32,
    /// `string`, versions 7-9, default null.
    pub protocol_type: Option<KString>,
    /// `string`, versions 0-9, null in 7-9.
    pub protocol_name: Option<KString>,
    /// `string`, versions 0-9.
    pub leader: KString,
    /// `bool`, versions 9, default false.
    pub skip_assignment: bool,
    /// `string`, versions 0-9.
    pub member_id: KString,
    /// `[]JoinGroupResponseMember`, versions 0-9.
    pub members: Vec<JoinGroupResponseMember>,
}

impl Default for JoinGroupResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: Default::default(),
            error_code: Default::default(),
            generation_id: -1,
            protocol_type: Default::default(),
            protocol_name: Default::default(),
            leader: Default::default(),
            skip_assignment: Default::default(),
            member_id: Default::default(),
            members: Default::default(),
        }
    }
}

impl Message for JoinGroupResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=9;
    const FLEXIBLE_FROM: i16 = 6;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        if version >= 2 { m.throttle_time_ms = d.i32()?; }
        m.error_code = d.i16()?;
        m.generation_id = d.i32()?;
        if version >= 7 { m.protocol_type = d.nullable_string(flexible)?; }
        m.protocol_name = if version >= 7 {
            d.nullable_string(flexible)?
        } else {
            Some(d.string(flexible)?)
        };
        m.leader = d.string(flexible)?;
        if version >= 9 { m.skip_assignment = d.bool()?; }
        m.member_id = d.string(flexible)?;
        m.members = d.structs(flexible, version)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        if version >= 2 { e.i32(self.throttle_time_ms); }
        e.i16(self.error_code);
        e.i32(self.generation_id);
        if version >= 7 { e.nullable_string(self.protocol_type.as_ref(), flexible); }
        if version >= 7 {
            e.nullable_string(self.protocol_name.as_ref(), flexible);
        } else {
            e.string(self.protocol_name.as_deref().unwrap_or_default(), flexible);
        }
        e.string(&self.leader, flexible);
        if version >= 9 { e.bool(self.skip_assignment); }
        e.string(&self.member_id, flexible);
        e.structs(&self.members, flexible, version);
        if flexible {
            e.uvarint(0);
        }
    }
}

/// Part of [`JoinGroupResponse`], versions 0-9.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JoinGroupResponseMember {
    /// `string`, versions 0-9.
    pub member_id: KString,
    /// `string`, versions 5-9, default null.
    pub group_instance_id: Option<KString>,
    /// `bytes`, versions 0-9.
    pub metadata: Bytes,
}

impl Message for JoinGroupResponseMember {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=9;
    const FLEXIBLE_FROM: i16 = 6;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.member_id = d.string(flexible)?;
        if version >= 5 { m.group_instance_id = d.nullable_string(flexible)?; }
        m.metadata = d.bytes(flexible)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.string(&self.member_id, flexible);
        if version >= 5 { e.nullable_string(self.group_instance_id.as_ref(), flexible); }
        e.bytes(&self.metadata, flexible);
        if flexible {
            e.uvarint(0);
        }
    }
}
