// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `LeaveGroupResponse`, versions 0-5.

use crate::{DecodeError, Decoder, Encoder, KString, Message};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LeaveGroupResponse {
    /// `int32`, versions 1-5.
    pub throttle_time_ms: i32,
    /// `int16`, versions 0-5.
    pub error_code: i16,
    /// `[]MemberResponse`, versions 3-5.
    pub members: Vec<MemberResponse>,
}

impl Message for LeaveGroupResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=5;
    const FLEXIBLE_FROM: i16 = 4;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        if version >= 1 { m.throttle_time_ms = d.i32()?; }
        m.error_code = d.i16()?;
        if version >= 3 { m.members = d.structs(flexible, version)?; }
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        if version >= 1 { e.i32(self.throttle_time_ms); }
        e.i16(self.error_code);
        if version >= 3 { e.structs(&self.members, flexible, version); }
        if flexible {
            e.uvarint(0);
        }
    }
}

/// Part of [`LeaveGroupResponse`], versions 3-5.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MemberResponse {
    /// `string`, versions 3-5.
    pub member_id: KString,
    /// `string`, versions 3-5.
    pub group_instance_id: Option<KString>,
    /// `int16`, versions 3-5.
    pub error_code: i16,
}

impl Message for MemberResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=5;
    const FLEXIBLE_FROM: i16 = 4;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.member_id = d.string(flexible)?;
        m.group_instance_id = d.nullable_string(flexible)?;
        m.error_code = d.i16()?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.string(&self.member_id, flexible);
        e.nullable_string(self.group_instance_id.as_ref(), flexible);
        e.i16(self.error_code);
        if flexible {
            e.uvarint(0);
        }
    }
}
