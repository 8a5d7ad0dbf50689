// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `UpdateFeaturesRequest`, versions 0-2.

use crate::{ApiKey, DecodeError, Decoder, Encoder, KString, Message, Request};

/// The message.
#[derive(Clone, Debug, PartialEq)]
pub struct UpdateFeaturesRequest {
    /// `int32`, versions 0-2, default 60000.
    pub timeout_ms: i32,
    /// `[]FeatureUpdateKey`, versions 0-2.
    pub feature_updates: Vec<FeatureUpdateKey>,
    /// `bool`, versions 1-2, default false.
    pub validate_only: bool,
}

impl Default for UpdateFeaturesRequest {
    fn default() -> Self {
        Self {
            timeout_ms: 60000,
            feature_updates: Default::default(),
            validate_only: Default::default(),
        }
    }
}

impl Message for UpdateFeaturesRequest {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=2;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.timeout_ms = d.i32()?;
        m.feature_updates = d.structs(true, version)?;
        if version >= 1 { m.validate_only = d.bool()?; }
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.i32(self.timeout_ms);
        e.structs(&self.feature_updates, true, version);
        if version >= 1 { e.bool(self.validate_only); }
        e.uvarint(0);
    }
}

impl Request for UpdateFeaturesRequest {
    const KEY: ApiKey = ApiKey::UpdateFeatures;
    type Response = super::update_features_response::UpdateFeaturesResponse;
}

/// Part of [`UpdateFeaturesRequest`], versions 0-2.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureUpdateKey {
    /// `string`, versions 0-2.
    pub feature: KString,
    /// `int16`, versions 0-2.
    pub max_version_level: i16,
    /// `bool`, versions 0.
    pub allow_downgrade: bool,
    /// `int8`, versions 1-2, default 1.
    pub upgrade_type: i8,
}

impl Default for FeatureUpdateKey {
    fn default() -> Self {
        Self {
            feature: Default::default(),
            max_version_level: Default::default(),
            allow_downgrade: Default::default(),
            upgrade_type: 1,
        }
    }
}

impl Message for FeatureUpdateKey {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=2;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.feature = d.string(true)?;
        m.max_version_level = d.i16()?;
        if version <= 0 { m.allow_downgrade = d.bool()?; }
        if version >= 1 { m.upgrade_type = d.i8()?; }
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.string(&self.feature, true);
        e.i16(self.max_version_level);
        if version <= 0 { e.bool(self.allow_downgrade); }
        if version >= 1 { e.i8(self.upgrade_type); }
        e.uvarint(0);
    }
}
