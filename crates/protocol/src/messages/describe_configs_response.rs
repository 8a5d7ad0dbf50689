// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `DescribeConfigsResponse`, versions 0-4.

use crate::{DecodeError, Decoder, Encoder, KString, Message};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeConfigsResponse {
    /// `int32`, versions 0-4.
    pub throttle_time_ms: i32,
    /// `[]DescribeConfigsResult`, versions 0-4.
    pub results: Vec<DescribeConfigsResult>,
}

impl Message for DescribeConfigsResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=4;
    const FLEXIBLE_FROM: i16 = 4;

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

/// Part of [`DescribeConfigsResponse`], versions 1-4.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeConfigsSynonym {
    /// `string`, versions 1-4.
    pub name: KString,
    /// `string`, versions 1-4.
    pub value: Option<KString>,
    /// `int8`, versions 1-4.
    pub source: i8,
}

impl Message for DescribeConfigsSynonym {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=4;
    const FLEXIBLE_FROM: i16 = 4;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.name = d.string(flexible)?;
        m.value = d.nullable_string(flexible)?;
        m.source = d.i8()?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.string(&self.name, flexible);
        e.nullable_string(self.value.as_ref(), flexible);
        e.i8(self.source);
        if flexible {
            e.uvarint(0);
        }
    }
}

/// Part of [`DescribeConfigsResponse`], versions 0-4.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeConfigsResourceResult {
    /// `string`, versions 0-4.
    pub name: KString,
    /// `string`, versions 0-4.
    pub value: Option<KString>,
    /// `bool`, versions 0-4.
    pub read_only: bool,
    /// `bool`, versions 0.
    pub is_default: bool,
    /// `int8`, versions 1-4, default -1.
    pub config_source: i8,
    /// `bool`, versions 0-4.
    pub is_sensitive: bool,
    /// `[]DescribeConfigsSynonym`, versions 1-4.
    pub synonyms: Vec<DescribeConfigsSynonym>,
    /// `int8`, versions 3-4, default 0.
    pub config_type: i8,
    /// `string`, versions 3-4.
    pub documentation: Option<KString>,
}

impl Default for DescribeConfigsResourceResult {
    fn default() -> Self {
        Self {
            name: Default::default(),
            value: Default::default(),
            read_only: Default::default(),
            is_default: Default::default(),
            config_source: -1,
            is_sensitive: Default::default(),
            synonyms: Default::default(),
            config_type: Default::default(),
            documentation: Default::default(),
        }
    }
}

impl Message for DescribeConfigsResourceResult {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=4;
    const FLEXIBLE_FROM: i16 = 4;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.name = d.string(flexible)?;
        m.value = d.nullable_string(flexible)?;
        m.read_only = d.bool()?;
        if version <= 0 { m.is_default = d.bool()?; }
        if version >= 1 { m.config_source = d.i8()?; }
        m.is_sensitive = d.bool()?;
        if version >= 1 { m.synonyms = d.structs(flexible, version)?; }
        if version >= 3 { m.config_type = d.i8()?; }
        if version >= 3 { m.documentation = d.nullable_string(flexible)?; }
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.string(&self.name, flexible);
        e.nullable_string(self.value.as_ref(), flexible);
        e.bool(self.read_only);
        if version <= 0 { e.bool(self.is_default); }
        if version >= 1 { e.i8(self.config_source); }
        e.bool(self.is_sensitive);
        if version >= 1 { e.structs(&self.synonyms, flexible, version); }
        if version >= 3 { e.i8(self.config_type); }
        if version >= 3 { e.nullable_string(self.documentation.as_ref(), flexible); }
        if flexible {
            e.uvarint(0);
        }
    }
}

/// Part of [`DescribeConfigsResponse`], versions 0-4.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeConfigsResult {
    /// `int16`, versions 0-4.
    pub error_code: i16,
    /// `string`, versions 0-4.
    pub error_message: Option<KString>,
    /// `int8`, versions 0-4.
    pub resource_type: i8,
    /// `string`, versions 0-4.
    pub resource_name: KString,
    /// `[]DescribeConfigsResourceResult`, versions 0-4.
    pub configs: Vec<DescribeConfigsResourceResult>,
}

impl Message for DescribeConfigsResult {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=4;
    const FLEXIBLE_FROM: i16 = 4;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.error_code = d.i16()?;
        m.error_message = d.nullable_string(flexible)?;
        m.resource_type = d.i8()?;
        m.resource_name = d.string(flexible)?;
        m.configs = d.structs(flexible, version)?;
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
        e.structs(&self.configs, flexible, version);
        if flexible {
            e.uvarint(0);
        }
    }
}
