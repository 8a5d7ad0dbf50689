// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `UpdateFeaturesResponse`, versions 0-2.

use crate::{DecodeError, Decoder, Encoder, KString, Message};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UpdateFeaturesResponse {
    /// `int32`, versions 0-2.
    pub throttle_time_ms: i32,
    /// `int16`, versions 0-2.
    pub error_code: i16,
    /// `string`, versions 0-2.
    pub error_message: Option<KString>,
    /// `[]UpdatableFeatureResult`, versions 0-1.
    pub results: Vec<UpdatableFeatureResult>,
}

impl Message for UpdateFeaturesResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=2;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.throttle_time_ms = d.i32()?;
        m.error_code = d.i16()?;
        m.error_message = d.nullable_string(true)?;
        if version <= 1 { m.results = d.structs(true, version)?; }
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.i32(self.throttle_time_ms);
        e.i16(self.error_code);
        e.nullable_string(self.error_message.as_ref(), true);
        if version <= 1 { e.structs(&self.results, true, version); }
        e.uvarint(0);
    }
}

/// Part of [`UpdateFeaturesResponse`], versions 0-1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UpdatableFeatureResult {
    /// `string`, versions 0-1.
    pub feature: KString,
    /// `int16`, versions 0-1.
    pub error_code: i16,
    /// `string`, versions 0-1.
    pub error_message: Option<KString>,
}

impl Message for UpdatableFeatureResult {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=2;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.feature = d.string(true)?;
        m.error_code = d.i16()?;
        m.error_message = d.nullable_string(true)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.string(&self.feature, true);
        e.i16(self.error_code);
        e.nullable_string(self.error_message.as_ref(), true);
        e.uvarint(0);
    }
}
