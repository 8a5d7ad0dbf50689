// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `AlterConfigsResponse`, versions 0-2.

use crate::{DecodeError, Decoder, Encoder, KString, Message};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlterConfigsResponse {
    /// `int32`, versions 0-2.
    pub throttle_time_ms: i32,
    /// `[]AlterConfigsResourceResponse`, versions 0-2.
    pub responses: Vec<AlterConfigsResourceResponse>,
}

impl Message for AlterConfigsResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=2;
    const FLEXIBLE_FROM: i16 = 2;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.throttle_time_ms = d.i32()?;
        m.responses = d.structs(flexible, version)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.i32(self.throttle_time_ms);
        e.structs(&self.responses, flexible, version);
        if flexible {
            e.uvarint(0);
        }
    }
}

/// Part of [`AlterConfigsResponse`], versions 0-2.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlterConfigsResourceResponse {
    /// `int16`, versions 0-2.
    pub error_code: i16,
    /// `string`, versions 0-2.
    pub error_message: Option<KString>,
    /// `int8`, versions 0-2.
    pub resource_type: i8,
    /// `string`, versions 0-2.
    pub resource_name: KString,
}

impl Message for AlterConfigsResourceResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=2;
    const FLEXIBLE_FROM: i16 = 2;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.error_code = d.i16()?;
        m.error_message = d.nullable_string(flexible)?;
        m.resource_type = d.i8()?;
        m.resource_name = d.string(flexible)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.i16(self.error_code);
        e.nullable_string(self.error_message.as_ref(), flexible);
        e.i8(self.resource_type);
        e.string(&self.resource_name, flexible);
        if flexible {
            e.uvarint(0);
        }
    }
}
