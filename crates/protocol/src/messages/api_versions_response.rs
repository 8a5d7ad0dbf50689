// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `ApiVersionsResponse`, versions 0-4.

use crate::{DecodeError, Decoder, Encoder, KString, Message};

/// The message.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiVersionsResponse {
    /// `int16`, versions 0-4.
    pub error_code: i16,
    /// `[]ApiVersion`, versions 0-4.
    pub api_keys: Vec<ApiVersion>,
    /// `int32`, versions 1-4.
    pub throttle_time_ms: i32,
    /// `[]SupportedFeatureKey`, versions 3-4, tag 0.
    pub supported_features: Vec<SupportedFeatureKey>,
    /// `int64`, versions 3-4, tag 1, default -1.
    pub finalized_features_epoch: i64,
    /// `[]FinalizedFeatureKey`, versions 3-4, tag 2.
    pub finalized_features: Vec<FinalizedFeatureKey>,
    /// `bool`, versions 3-4, tag 3, default false.
    pub zk_migration_ready: bool,
}

impl Default for ApiVersionsResponse {
    fn default() -> Self {
        Self {
            error_code: Default::default(),
            api_keys: Default::default(),
            throttle_time_ms: Default::default(),
            supported_features: Default::default(),
            finalized_features_epoch: -1,
            finalized_features: Default::default(),
            zk_migration_ready: Default::default(),
        }
    }
}

impl Message for ApiVersionsResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=4;
    const FLEXIBLE_FROM: i16 = 3;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.error_code = d.i16()?;
        m.api_keys = d.structs(flexible, version)?;
        if version >= 1 { m.throttle_time_ms = d.i32()?; }
        if flexible {
            for _ in 0..d.tag_count()? {
                let (tag, outer) = d.begin_tag()?;
                match tag {
                    0 if version >= 3 => m.supported_features = d.structs(true, version)?,
                    1 if version >= 3 => m.finalized_features_epoch = d.i64()?,
                    2 if version >= 3 => m.finalized_features = d.structs(true, version)?,
                    3 if version >= 3 => m.zk_migration_ready = d.bool()?,
                    _ => {}
                }
                d.end_tag(outer);
            }
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.i16(self.error_code);
        e.structs(&self.api_keys, flexible, version);
        if version >= 1 { e.i32(self.throttle_time_ms); }
        if flexible {
            let has_0 = version >= 3 && !self.supported_features.is_empty();
            let has_1 = version >= 3 && self.finalized_features_epoch != -1;
            let has_2 = version >= 3 && !self.finalized_features.is_empty();
            let has_3 = version >= 3 && self.zk_migration_ready;
            e.uvarint(u32::from(has_0) + u32::from(has_1) + u32::from(has_2) + u32::from(has_3));
            if has_0 { e.tagged(0, |e| { e.structs(&self.supported_features, true, version); }); }
            if has_1 { e.tagged(1, |e| { e.i64(self.finalized_features_epoch); }); }
            if has_2 { e.tagged(2, |e| { e.structs(&self.finalized_features, true, version); }); }
            if has_3 { e.tagged(3, |e| { e.bool(self.zk_migration_ready); }); }
        }
    }
}

/// Part of [`ApiVersionsResponse`], versions 0-4.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ApiVersion {
    /// `int16`, versions 0-4.
    pub api_key: i16,
    /// `int16`, versions 0-4.
    pub min_version: i16,
    /// `int16`, versions 0-4.
    pub max_version: i16,
}

impl Message for ApiVersion {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=4;
    const FLEXIBLE_FROM: i16 = 3;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.api_key = d.i16()?;
        m.min_version = d.i16()?;
        m.max_version = d.i16()?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.i16(self.api_key);
        e.i16(self.min_version);
        e.i16(self.max_version);
        if flexible {
            e.uvarint(0);
        }
    }
}

/// Part of [`ApiVersionsResponse`], versions 3-4.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SupportedFeatureKey {
    /// `string`, versions 3-4.
    pub name: KString,
    /// `int16`, versions 3-4.
    pub min_version: i16,
    /// `int16`, versions 3-4.
    pub max_version: i16,
}

impl Message for SupportedFeatureKey {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=4;
    const FLEXIBLE_FROM: i16 = 3;

    fn decode(d: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.name = d.string(true)?;
        m.min_version = d.i16()?;
        m.max_version = d.i16()?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.string(&self.name, true);
        e.i16(self.min_version);
        e.i16(self.max_version);
        e.uvarint(0);
    }
}

/// Part of [`ApiVersionsResponse`], versions 3-4.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FinalizedFeatureKey {
    /// `string`, versions 3-4.
    pub name: KString,
    /// `int16`, versions 3-4.
    pub max_version_level: i16,
    /// `int16`, versions 3-4.
    pub min_version_level: i16,
}

impl Message for FinalizedFeatureKey {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=4;
    const FLEXIBLE_FROM: i16 = 3;

    fn decode(d: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.name = d.string(true)?;
        m.max_version_level = d.i16()?;
        m.min_version_level = d.i16()?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.string(&self.name, true);
        e.i16(self.max_version_level);
        e.i16(self.min_version_level);
        e.uvarint(0);
    }
}
