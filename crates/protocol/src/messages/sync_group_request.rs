// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `SyncGroupRequest`, versions 0-5.

use bytes::Bytes;

use crate::{ApiKey, DecodeError, Decoder, Encoder, KString, Message, Request};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SyncGroupRequest {
    /// `string`, versions 0-5.
    pub group_id: KString,
    /// `int32`, versions 0-5.
    pub generation_id: i32,
    /// `string`, versions 0-5.
    pub member_id: KString,
    /// `string`, versions 3-5, default null.
    pub group_instance_id: Option<KString>,
    /// `string`, versions 5, default null.
    pub protocol_type: Option<KString>,
    /// `string`, versions 5, default null.
    pub protocol_name: Option<KString>,
    /// `[]SyncGroupRequestAssignment`, versions 0-5.
    pub assignments: Vec<SyncGroupRequestAssignment>,
}

impl Message for SyncGroupRequest {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=5;
    const FLEXIBLE_FROM: i16 = 4;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.group_id = d.string(flexible)?;
        m.generation_id = d.i32()?;
        m.member_id = d.string(flexible)?;
        if version >= 3 { m.group_instance_id = d.nullable_string(flexible)?; }
        if version >= 5 { m.protocol_type = d.nullable_string(flexible)?; }
        if version >= 5 { m.protocol_name = d.nullable_string(flexible)?; }
        m.assignments = d.structs(flexible, version)?;
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
        if version >= 5 { e.nullable_string(self.protocol_type.as_ref(), flexible); }
        if version >= 5 { e.nullable_string(self.protocol_name.as_ref(), flexible); }
        e.structs(&self.assignments, flexible, version);
        if flexible {
            e.uvarint(0);
        }
    }
}

impl Request for SyncGroupRequest {
    const KEY: ApiKey = ApiKey::SyncGroup;
    type Response = super::sync_group_response::SyncGroupResponse;
}

/// Part of [`SyncGroupRequest`], versions 0-5.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SyncGroupRequestAssignment {
    /// `string`, versions 0-5.
    pub member_id: KString,
    /// `bytes`, versions 0-5.
    pub assignment: Bytes,
}

impl Message for SyncGroupRequestAssignment {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=5;
    const FLEXIBLE_FROM: i16 = 4;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.member_id = d.string(flexible)?;
        m.assignment = d.bytes(flexible)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.string(&self.member_id, flexible);
        e.bytes(&self.assignment, flexible);
        if flexible {
            e.uvarint(0);
        }
    }
}
