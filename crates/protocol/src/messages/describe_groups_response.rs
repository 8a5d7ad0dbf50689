// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `DescribeGroupsResponse`, versions 0-6.

use bytes::Bytes;

use crate::{DecodeError, Decoder, Encoder, KString, Message};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeGroupsResponse {
    /// `int32`, versions 1-6.
    pub throttle_time_ms: i32,
    /// `[]DescribedGroup`, versions 0-6.
    pub groups: Vec<DescribedGroup>,
}

impl Message for DescribeGroupsResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=6;
    const FLEXIBLE_FROM: i16 = 5;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        if version >= 1 { m.throttle_time_ms = d.i32()?; }
        m.groups = d.structs(flexible, version)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        if version >= 1 { e.i32(self.throttle_time_ms); }
        e.structs(&self.groups, flexible, version);
        if flexible {
            e.uvarint(0);
        }
    }
}

/// Part of [`DescribeGroupsResponse`], versions 0-6.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribedGroupMember {
    /// `string`, versions 0-6.
    pub member_id: KString,
    /// `string`, versions 4-6, default null.
    pub group_instance_id: Option<KString>,
    /// `string`, versions 0-6.
    pub client_id: KString,
    /// `string`, versions 0-6.
    pub client_host: KString,
    /// `bytes`, versions 0-6.
    pub member_metadata: Bytes,
    /// `bytes`, versions 0-6.
    pub member_assignment: Bytes,
}

impl Message for DescribedGroupMember {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=6;
    const FLEXIBLE_FROM: i16 = 5;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.member_id = d.string(flexible)?;
        if version >= 4 { m.group_instance_id = d.nullable_string(flexible)?; }
        m.client_id = d.string(flexible)?;
        m.client_host = d.string(flexible)?;
        m.member_metadata = d.bytes(flexible)?;
        m.member_assignment = d.bytes(flexible)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.string(&self.member_id, flexible);
        if version >= 4 { e.nullable_string(self.group_instance_id.as_ref(), flexible); }
        e.string(&self.client_id, flexible);
        e.string(&self.client_host, flexible);
        e.bytes(&self.member_metadata, flexible);
        e.bytes(&self.member_assignment, flexible);
        if flexible {
            e.uvarint(0);
        }
    }
}

/// Part of [`DescribeGroupsResponse`], versions 0-6.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribedGroup {
    /// `int16`, versions 0-6.
    pub error_code: i16,
    /// `string`, versions 6, default null.
    pub error_message: Option<KString>,
    /// `string`, versions 0-6.
    pub group_id: KString,
    /// `string`, versions 0-6.
    pub group_state: KString,
    /// `string`, versions 0-6.
    pub protocol_type: KString,
    /// `string`, versions 0-6.
    pub protocol_data: KString,
    /// `[]DescribedGroupMember`, versions 0-6.
    pub members: Vec<DescribedGroupMember>,
    /// `int32`, versions 3-6, default -2147483648.
    pub authorized_operations: i32,
}

impl Default for DescribedGroup {
    fn default() -> Self {
        Self {
            error_code: Default::default(),
            error_message: Default::default(),
            group_id: Default::default(),
            group_state: Default::default(),
            protocol_type: Default::default(),
            protocol_data: Default::default(),
            members: Default::default(),
            authorized_operations: -2147483648,
        }
    }
}

impl Message for DescribedGroup {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=6;
    const FLEXIBLE_FROM: i16 = 5;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.error_code = d.i16()?;
        if version >= 6 { m.error_message = d.nullable_string(flexible)?; }
        m.group_id = d.string(flexible)?;
        m.group_state = d.string(flexible)?;
        m.protocol_type = d.string(flexible)?;
        m.protocol_data = d.string(flexible)?;
        m.members = d.structs(flexible, version)?;
        if version >= 3 { m.authorized_operations = d.i32()?; }
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.i16(self.error_code);
        if version >= 6 { e.nullable_string(self.error_message.as_ref(), flexible); }
        e.string(&self.group_id, flexible);
        e.string(&self.group_state, flexible);
        e.string(&self.protocol_type, flexible);
        e.string(&self.protocol_data, flexible);
        e.structs(&self.members, flexible, version);
        if version >= 3 { e.i32(self.authorized_operations); }
        if flexible {
            e.uvarint(0);
        }
    }
}
