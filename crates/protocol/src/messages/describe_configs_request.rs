// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `DescribeConfigsRequest`, versions 0-4.

use crate::{ApiKey, DecodeError, Decoder, Encoder, KString, Message, Request};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeConfigsRequest {
    /// `[]DescribeConfigsResource`, versions 0-4.
    pub resources: Vec<DescribeConfigsResource>,
    /// `bool`, versions 1-4, default false.
    pub include_synonyms: bool,
    /// `bool`, versions 3-4, default false.
    pub include_documentation: bool,
}

impl Message for DescribeConfigsRequest {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=4;
    const FLEXIBLE_FROM: i16 = 4;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.resources = d.structs(flexible, version)?;
        if version >= 1 { m.include_synonyms = d.bool()?; }
        if version >= 3 { m.include_documentation = d.bool()?; }
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.structs(&self.resources, flexible, version);
        if version >= 1 { e.bool(self.include_synonyms); }
        if version >= 3 { e.bool(self.include_documentation); }
        if flexible {
            e.uvarint(0);
        }
    }
}

impl Request for DescribeConfigsRequest {
    const KEY: ApiKey = ApiKey::DescribeConfigs;
    type Response = super::describe_configs_response::DescribeConfigsResponse;
}

/// Part of [`DescribeConfigsRequest`], versions 0-4.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeConfigsResource {
    /// `int8`, versions 0-4.
    pub resource_type: i8,
    /// `string`, versions 0-4.
    pub resource_name: KString,
    /// `[]string`, versions 0-4.
    pub configuration_keys: Option<Vec<KString>>,
}

impl Default for DescribeConfigsResource {
    fn default() -> Self {
        Self {
            resource_type: Default::default(),
            resource_name: Default::default(),
            configuration_keys: Some(Default::default()),
        }
    }
}

impl Message for DescribeConfigsResource {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=4;
    const FLEXIBLE_FROM: i16 = 4;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.resource_type = d.i8()?;
        m.resource_name = d.string(flexible)?;
        m.configuration_keys = d.nullable_array(flexible)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.i8(self.resource_type);
        e.string(&self.resource_name, flexible);
        e.nullable_array(self.configuration_keys.as_ref(), flexible);
        if flexible {
            e.uvarint(0);
        }
    }
}
