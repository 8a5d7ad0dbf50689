// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `LeaveGroupRequest`, versions 0-5.

use crate::{ApiKey, DecodeError, Decoder, Encoder, KString, Message, Request};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LeaveGroupRequest {
    /// `string`, versions 0-5.
    pub group_id: KString,
    /// `string`, versions 0-2.
    pub member_id: KString,
    /// `[]MemberIdentity`, versions 3-5.
    pub members: Vec<MemberIdentity>,
}

impl Message for LeaveGroupRequest {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=5;
    const FLEXIBLE_FROM: i16 = 4;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.group_id = d.string(flexible)?;
        if version <= 2 { m.member_id = d.string(flexible)?; }
        if version >= 3 { m.members = d.structs(flexible, version)?; }
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.string(&self.group_id, flexible);
        if version <= 2 { e.string(&self.member_id, flexible); }
        if version >= 3 { e.structs(&self.members, flexible, version); }
        if flexible {
            e.uvarint(0);
        }
    }
}

impl Request for LeaveGroupRequest {
    const KEY: ApiKey = ApiKey::LeaveGroup;
    type Response = super::leave_group_response::LeaveGroupResponse;
}

/// Part of [`LeaveGroupRequest`], versions 3-5.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MemberIdentity {
    /// `string`, versions 3-5.
    pub member_id: KString,
    /// `string`, versions 3-5, default null.
    pub group_instance_id: Option<KString>,
    /// `string`, versions 5, default null.
    pub reason: Option<KString>,
}

impl Message for MemberIdentity {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=5;
    const FLEXIBLE_FROM: i16 = 4;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.member_id = d.string(flexible)?;
        m.group_instance_id = d.nullable_string(flexible)?;
        if version >= 5 { m.reason = d.nullable_string(flexible)?; }
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.string(&self.member_id, flexible);
        e.nullable_string(self.group_instance_id.as_ref(), flexible);
        if version >= 5 { e.nullable_string(self.reason.as_ref(), flexible); }
        if flexible {
            e.uvarint(0);
        }
    }
}
