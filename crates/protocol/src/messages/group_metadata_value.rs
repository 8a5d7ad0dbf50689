// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `GroupMetadataValue`, versions 0-4.

use bytes::Bytes;

use crate::{DecodeError, Decoder, Encoder, KString, Message};

/// The message.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupMetadataValue {
    /// `string`, versions 0-4.
    pub protocol_type: KString,
    /// `int32`, versions 0-4.
    pub generation: i32,
    /// `string`, versions 0-4.
    pub protocol: Option<KString>,
    /// `string`, versions 0-4.
    pub leader: Option<KString>,
    /// `int64`, versions 2-4, default -1.
    pub current_state_timestamp: i64,
    /// `[]MemberMetadata`, versions 0-4.
    pub members: Vec<MemberMetadata>,
}

impl Default for GroupMetadataValue {
    fn default() -> Self {
        Self {
            protocol_type: Default::default(),
            generation: Default::default(),
            protocol: Default::default(),
            leader: Default::default(),
            current_state_timestamp: -1,
            members: Default::default(),
        }
    }
}

impl Message for GroupMetadataValue {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=4;
    const FLEXIBLE_FROM: i16 = 4;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.protocol_type = d.string(flexible)?;
        m.generation = d.i32()?;
        m.protocol = d.nullable_string(flexible)?;
        m.leader = d.nullable_string(flexible)?;
        if version >= 2 { m.current_state_timestamp = d.i64()?; }
        m.members = d.structs(flexible, version)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.string(&self.protocol_type, flexible);
        e.i32(self.generation);
        e.nullable_string(self.protocol.as_ref(), flexible);
        e.nullable_string(self.leader.as_ref(), flexible);
        if version >= 2 { e.i64(self.current_state_timestamp); }
        e.structs(&self.members, flexible, version);
        if flexible {
            e.uvarint(0);
        }
    }
}

/// Part of [`GroupMetadataValue`], versions 0-4.
#[derive(Clone, Debug, PartialEq)]
pub struct MemberMetadata {
    /// `string`, versions 0-4.
    pub member_id: KString,
    /// `string`, versions 3-4, default null.
    pub group_instance_id: Option<KString>,
    /// `string`, versions 0-4.
    pub client_id: KString,
    /// `string`, versions 0-4.
    pub client_host: KString,
    /// `int32`, versions 1-4, default -1.
    pub rebalance_timeout: i32,
    /// `int32`, versions 0-4.
    pub session_timeout: i32,
    /// `bytes`, versions 0-4.
    pub subscription: Bytes,
    /// `bytes`, versions 0-4.
    pub assignment: Bytes,
}

impl Default for MemberMetadata {
    fn default() -> Self {
        Self {
            member_id: Default::default(),
            group_instance_id: Default::default(),
            client_id: Default::default(),
            client_host: Default::default(),
            rebalance_timeout: -1,
            session_timeout: Default::default(),
            subscription: Default::default(),
            assignment: Default::default(),
        }
    }
}

impl Message for MemberMetadata {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=4;
    const FLEXIBLE_FROM: i16 = 4;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.member_id = d.string(flexible)?;
        if version >= 3 { m.group_instance_id = d.nullable_string(flexible)?; }
        m.client_id = d.string(flexible)?;
        m.client_host = d.string(flexible)?;
        if version >= 1 { m.rebalance_timeout = d.i32()?; }
        m.session_timeout = d.i32()?;
        m.subscription = d.bytes(flexible)?;
        m.assignment = d.bytes(flexible)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.string(&self.member_id, flexible);
        if version >= 3 { e.nullable_string(self.group_instance_id.as_ref(), flexible); }
        e.string(&self.client_id, flexible);
        e.string(&self.client_host, flexible);
        if version >= 1 { e.i32(self.rebalance_timeout); }
        e.i32(self.session_timeout);
        e.bytes(&self.subscription, flexible);
        e.bytes(&self.assignment, flexible);
        if flexible {
            e.uvarint(0);
        }
    }
}
