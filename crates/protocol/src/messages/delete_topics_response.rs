// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `DeleteTopicsResponse`, versions 0-6.

use crate::{DecodeError, Decoder, Encoder, KString, Message, Uuid};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeleteTopicsResponse {
    /// `int32`, versions 1-6.
    pub throttle_time_ms: i32,
    /// `[]DeletableTopicResult`, versions 0-6.
    pub responses: Vec<DeletableTopicResult>,
}

impl Message for DeleteTopicsResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=6;
    const FLEXIBLE_FROM: i16 = 4;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        if version >= 1 { m.throttle_time_ms = d.i32()?; }
        m.responses = d.structs(flexible, version)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        if version >= 1 { e.i32(self.throttle_time_ms); }
        e.structs(&self.responses, flexible, version);
        if flexible {
            e.uvarint(0);
        }
    }
}

/// Part of [`DeleteTopicsResponse`], versions 0-6.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeletableTopicResult {
    /// `string`, versions 0-6, null in 6.
    pub name: Option<KString>,
    /// `uuid`, versions 6.
    pub topic_id: Uuid,
    /// `int16`, versions 0-6.
    pub error_code: i16,
    /// `string`, versions 5-6, default null.
    pub error_message: Option<KString>,
}

impl Message for DeletableTopicResult {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=6;
    const FLEXIBLE_FROM: i16 = 4;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.name = if version >= 6 {
            d.nullable_string(flexible)?
        } else {
            Some(d.string(flexible)?)
        };
        if version >= 6 { m.topic_id = d.uuid()?; }
        m.error_code = d.i16()?;
        if version >= 5 { m.error_message = d.nullable_string(flexible)?; }
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        if version >= 6 {
            e.nullable_string(self.name.as_ref(), flexible);
        } else {
            e.string(self.name.as_deref().unwrap_or_default(), flexible);
        }
        if version >= 6 { e.uuid(self.topic_id); }
        e.i16(self.error_code);
        if version >= 5 { e.nullable_string(self.error_message.as_ref(), flexible); }
        if flexible {
            e.uvarint(0);
        }
    }
}
