// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `ListGroupsResponse`, versions 0-5.

use crate::{DecodeError, Decoder, Encoder, KString, Message};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListGroupsResponse {
    /// `int32`, versions 1-5.
    pub throttle_time_ms: i32,
    /// `int16`, versions 0-5.
    pub error_code: i16,
    /// `[]ListedGroup`, versions 0-5.
    pub groups: Vec<ListedGroup>,
}

impl Message for ListGroupsResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=5;
    const FLEXIBLE_FROM: i16 = 3;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        if version >= 1 { m.throttle_time_ms = d.i32()?; }
        m.error_code = d.i16()?;
        m.groups = d.structs(flexible, version)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        if version >= 1 { e.i32(self.throttle_time_ms); }
        e.i16(self.error_code);
        e.structs(&self.groups, flexible, version);
        if flexible {
            e.uvarint(0);
        }
    }
}

/// Part of [`ListGroupsResponse`], versions 0-5.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListedGroup {
    /// `string`, versions 0-5.
    pub group_id: KString,
    /// `string`, versions 0-5.
    pub protocol_type: KString,
    /// `string`, versions 4-5.
    pub group_state: KString,
    /// `string`, versions 5.
    pub group_type: KString,
}

impl Message for ListedGroup {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=5;
    const FLEXIBLE_FROM: i16 = 3;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.group_id = d.string(flexible)?;
        m.protocol_type = d.string(flexible)?;
        if version >= 4 { m.group_state = d.string(flexible)?; }
        if version >= 5 { m.group_type = d.string(flexible)?; }
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.string(&self.group_id, flexible);
        e.string(&self.protocol_type, flexible);
        if version >= 4 { e.string(&self.group_state, flexible); }
        if version >= 5 { e.string(&self.group_type, flexible); }
        if flexible {
            e.uvarint(0);
        }
    }
}
