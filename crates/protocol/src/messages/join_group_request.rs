// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `JoinGroupRequest`, versions 0-9.

use bytes::Bytes;

use crate::{ApiKey, DecodeError, Decoder, Encoder, KString, Message, Request};

/// The message.
#[derive(Clone, Debug, PartialEq)]
pub struct JoinGroupRequest {
    /// `string`, versions 0-9.
    pub group_id: KString,
    /// `int32`, versions 0-9.
    pub session_timeout_ms: i32,
    /// `int32`, versions 1-9, default -1.
    pub rebalance_timeout_ms: i32,
    /// `string`, versions 0-9.
    pub member_id: KString,
    /// `string`, versions 5-9, default null.
    pub group_instance_id: Option<KString>,
    /// `string`, versions 0-9.
    pub protocol_type: KString,
    /// `[]JoinGroupRequestProtocol`, versions 0-9.
    pub protocols: Vec<JoinGroupRequestProtocol>,
    /// `string`, versions 8-9, default null.
    pub reason: Option<KString>,
}

impl Default for JoinGroupRequest {
    fn default() -> Self {
        Self {
            group_id: Default::default(),
            session_timeout_ms: Default::default(),
            rebalance_timeout_ms: -1,
            member_id: Default::default(),
            group_instance_id: Default::default(),
            protocol_type: Default::default(),
            protocols: Default::default(),
            reason: Default::default(),
        }
    }
}

impl Message for JoinGroupRequest {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=9;
    const FLEXIBLE_FROM: i16 = 6;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.group_id = d.string(flexible)?;
        m.session_timeout_ms = d.i32()?;
        if version >= 1 { m.rebalance_timeout_ms = d.i32()?; }
        m.member_id = d.string(flexible)?;
        if version >= 5 { m.group_instance_id = d.nullable_string(flexible)?; }
        m.protocol_type = d.string(flexible)?;
        m.protocols = d.structs(flexible, version)?;
        if version >= 8 { m.reason = d.nullable_string(flexible)?; }
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.string(&self.group_id, flexible);
        e.i32(self.session_timeout_ms);
        if version >= 1 { e.i32(self.rebalance_timeout_ms); }
        e.string(&self.member_id, flexible);
        if version >= 5 { e.nullable_string(self.group_instance_id.as_ref(), flexible); }
        e.string(&self.protocol_type, flexible);
        e.structs(&self.protocols, flexible, version);
        if version >= 8 { e.nullable_string(self.reason.as_ref(), flexible); }
        if flexible {
            e.uvarint(0);
        }
    }
}

impl Request for JoinGroupRequest {
    const KEY: ApiKey = ApiKey::JoinGroup;
    type Response = super::join_group_response::JoinGroupResponse;
}

/// Part of [`JoinGroupRequest`], versions 0-9.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JoinGroupRequestProtocol {
    /// `string`, versions 0-9.
    pub name: KString,
    /// `bytes`, versions 0-9.
    pub metadata: Bytes,
}

impl Message for JoinGroupRequestProtocol {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=9;
    const FLEXIBLE_FROM: i16 = 6;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.name = d.string(flexible)?;
        m.metadata = d.bytes(flexible)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.string(&self.name, flexible);
        e.bytes(&self.metadata, flexible);
        if flexible {
            e.uvarint(0);
        }
    }
}
