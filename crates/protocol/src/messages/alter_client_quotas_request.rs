// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `AlterClientQuotasRequest`, versions 0-1.

use crate::{ApiKey, DecodeError, Decoder, Encoder, KString, Message, Request};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlterClientQuotasRequest {
    /// `[]EntryData`, versions 0-1.
    pub entries: Vec<EntryData>,
    /// `bool`, versions 0-1.
    pub validate_only: bool,
}

impl Message for AlterClientQuotasRequest {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 1;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.entries = d.structs(flexible, version)?;
        m.validate_only = d.bool()?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.structs(&self.entries, flexible, version);
        e.bool(self.validate_only);
        if flexible {
            e.uvarint(0);
        }
    }
}

impl Request for AlterClientQuotasRequest {
    const KEY: ApiKey = ApiKey::AlterClientQuotas;
    type Response = super::alter_client_quotas_response::AlterClientQuotasResponse;
}

/// Part of [`AlterClientQuotasRequest`], versions 0-1.
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

/// Part of [`AlterClientQuotasRequest`], versions 0-1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OpData {
    /// `string`, versions 0-1.
    pub key: KString,
    /// `float64`, versions 0-1.
    pub value: f64,
    /// `bool`, versions 0-1.
    pub remove: bool,
}

impl Message for OpData {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 1;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.key = d.string(flexible)?;
        m.value = d.f64()?;
        m.remove = d.bool()?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.string(&self.key, flexible);
        e.f64(self.value);
        e.bool(self.remove);
        if flexible {
            e.uvarint(0);
        }
    }
}

/// Part of [`AlterClientQuotasRequest`], versions 0-1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EntryData {
    /// `[]EntityData`, versions 0-1.
    pub entity: Vec<EntityData>,
    /// `[]OpData`, versions 0-1.
    pub ops: Vec<OpData>,
}

impl Message for EntryData {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 1;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.entity = d.structs(flexible, version)?;
        m.ops = d.structs(flexible, version)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.structs(&self.entity, flexible, version);
        e.structs(&self.ops, flexible, version);
        if flexible {
            e.uvarint(0);
        }
    }
}
