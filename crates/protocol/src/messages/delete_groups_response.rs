// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `DeleteGroupsResponse`, versions 0-2.

use crate::{DecodeError, Decoder, Encoder, KString, Message};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeleteGroupsResponse {
    /// `int32`, versions 0-2.
    pub throttle_time_ms: i32,
    /// `[]DeletableGroupResult`, versions 0-2.
    pub results: Vec<DeletableGroupResult>,
}

impl Message for DeleteGroupsResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=2;
    const FLEXIBLE_FROM: i16 = 2;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.throttle_time_ms = d.i32()?;
        m.results = d.structs(flexible, version)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.i32(self.throttle_time_ms);
        e.structs(&self.results, flexible, version);
        if flexible {
            e.uvarint(0);
        }
    }
}

/// Part of [`DeleteGroupsResponse`], versions 0-2.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeletableGroupResult {
    /// `string`, versions 0-2.
    pub group_id: KString,
    /// `int16`, versions 0-2.
    pub error_code: i16,
}

impl Message for DeletableGroupResult {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=2;
    const FLEXIBLE_FROM: i16 = 2;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.group_id = d.string(flexible)?;
        m.error_code = d.i16()?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.string(&self.group_id, flexible);
        e.i16(self.error_code);
        if flexible {
            e.uvarint(0);
        }
    }
}
