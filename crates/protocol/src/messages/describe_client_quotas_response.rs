// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `DescribeClientQuotasResponse`, versions 0-1.

use crate::{DecodeError, Decoder, Encoder, KString, Message};

/// The message.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeClientQuotasResponse {
    /// `int32`, versions 0-1.
    pub throttle_time_ms: i32,
    /// `int16`, versions 0-1.
    pub error_code: i16,
    /// `string`, versions 0-1.
    pub error_message: Option<KString>,
    /// `[]EntryData`, versions 0-1.
    pub entries: Option<Vec<EntryData>>,
}

impl Default for DescribeClientQuotasResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: Default::default(),
            error_code: Default::default(),
            error_message: Default::default(),
            entries: Some(Default::default()),
        }
    }
}

impl Message for DescribeClientQuotasResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 1;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.throttle_time_ms = d.i32()?;
        m.error_code = d.i16()?;
        m.error_message = d.nullable_string(flexible)?;
        m.entries = d.nullable_structs(flexible, version)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.i32(self.throttle_time_ms);
        e.i16(self.error_code);
        e.nullable_string(self.error_message.as_ref(), flexible);
        e.nullable_structs(self.entries.as_ref(), flexible, version);
        if flexible {
            e.uvarint(0);
        }
    }
}

/// Part of [`DescribeClientQuotasResponse`], versions 0-1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EntityData {
    /// `string`, versions 0-1.
    pub entity_type: KString,
    /// `string`, versions 0-1.
    pub entity_name: Option<KString>,
}

impl Message for EntityData {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 1;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.entity_type = d.string(flexible)?;
        m.entity_name = d.nullable_string(flexible)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.string(&self.entity_type, flexible);
        e.nullable_string(self.entity_name.as_ref(), flexible);
        if flexible {
            e.uvarint(0);
        }
    }
}

/// Part of [`DescribeClientQuotasResponse`], versions 0-1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ValueData {
    /// `string`, versions 0-1.
    pub key: KString,
    /// `float64`, versions 0-1.
    pub value: f64,
}

impl Message for ValueData {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 1;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.key = d.string(flexible)?;
        m.value = d.f64()?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.string(&self.key, flexible);
        e.f64(self.value);
        if flexible {
            e.uvarint(0);
        }
    }
}

/// Part of [`DescribeClientQuotasResponse`], versions 0-1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EntryData {
    /// `[]EntityData`, versions 0-1.
    pub entity: Vec<EntityData>,
    /// `[]ValueData`, versions 0-1.
    pub values: Vec<ValueData>,
}

impl Message for EntryData {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 1;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.entity = d.structs(flexible, version)?;
        m.values = d.structs(flexible, version)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.structs(&self.entity, flexible, version);
        e.structs(&self.values, flexible, version);
        if flexible {
            e.uvarint(0);
        }
    }
}
