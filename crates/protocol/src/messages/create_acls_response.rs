// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `CreateAclsResponse`, versions 0-3.

use crate::{DecodeError, Decoder, Encoder, KString, Message};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CreateAclsResponse {
    /// `int32`, versions 0-3.
    pub throttle_time_ms: i32,
    /// `[]AclCreationResult`, versions 0-3.
    pub results: Vec<AclCreationResult>,
}

impl Message for CreateAclsResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=3;
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

/// Part of [`CreateAclsResponse`], versions 0-3.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AclCreationResult {
    /// `int16`, versions 0-3.
    pub error_code: i16,
    /// `string`, versions 0-3.
    pub error_message: Option<KString>,
}

impl Message for AclCreationResult {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=3;
    const FLEXIBLE_FROM: i16 = 2;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.error_code = d.i16()?;
        m.error_message = d.nullable_string(flexible)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.i16(self.error_code);
        e.nullable_string(self.error_message.as_ref(), flexible);
        if flexible {
            e.uvarint(0);
        }
    }
}
