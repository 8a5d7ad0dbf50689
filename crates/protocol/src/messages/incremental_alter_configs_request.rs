// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `IncrementalAlterConfigsRequest`, versions 0-1.

use crate::{ApiKey, DecodeError, Decoder, Encoder, KString, Message, Request};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IncrementalAlterConfigsRequest {
    /// `[]AlterConfigsResource`, versions 0-1.
    pub resources: Vec<AlterConfigsResource>,
    /// `bool`, versions 0-1.
    pub validate_only: bool,
}

impl Message for IncrementalAlterConfigsRequest {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 1;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.resources = d.structs(flexible, version)?;
        m.validate_only = d.bool()?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.structs(&self.resources, flexible, version);
        e.bool(self.validate_only);
        if flexible {
            e.uvarint(0);
        }
    }
}

impl Request for IncrementalAlterConfigsRequest {
    const KEY: ApiKey = ApiKey::IncrementalAlterConfigs;
    type Response = super::incremental_alter_configs_response::IncrementalAlterConfigsResponse;
}

/// Part of [`IncrementalAlterConfigsRequest`], versions 0-1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlterableConfig {
    /// `string`, versions 0-1.
    pub name: KString,
    /// `int8`, versions 0-1.
    pub config_operation: i8,
    /// `string`, versions 0-1.
    pub value: Option<KString>,
}

impl Message for AlterableConfig {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 1;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.name = d.string(flexible)?;
        m.config_operation = d.i8()?;
        m.value = d.nullable_string(flexible)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.string(&self.name, flexible);
        e.i8(self.config_operation);
        e.nullable_string(self.value.as_ref(), flexible);
        if flexible {
            e.uvarint(0);
        }
    }
}

/// Part of [`IncrementalAlterConfigsRequest`], versions 0-1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlterConfigsResource {
    /// `int8`, versions 0-1.
    pub resource_type: i8,
    /// `string`, versions 0-1.
    pub resource_name: KString,
    /// `[]AlterableConfig`, versions 0-1.
    pub configs: Vec<AlterableConfig>,
}

impl Message for AlterConfigsResource {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 1;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
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
        e.i8(self.resource_type);
        e.string(&self.resource_name, flexible);
        e.structs(&self.configs, flexible, version);
        if flexible {
            e.uvarint(0);
        }
    }
}
