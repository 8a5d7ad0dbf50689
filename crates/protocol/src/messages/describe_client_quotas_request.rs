// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `DescribeClientQuotasRequest`, versions 0-1.

use crate::{ApiKey, DecodeError, Decoder, Encoder, KString, Message, Request};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeClientQuotasRequest {
    /// `[]ComponentData`, versions 0-1.
    pub components: Vec<ComponentData>,
    /// `bool`, versions 0-1.
    pub strict: bool,
}

impl Message for DescribeClientQuotasRequest {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 1;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.components = d.structs(flexible, version)?;
        m.strict = d.bool()?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.structs(&self.components, flexible, version);
        e.bool(self.strict);
        if flexible {
            e.uvarint(0);
        }
    }
}

impl Request for DescribeClientQuotasRequest {
    const KEY: ApiKey = ApiKey::DescribeClientQuotas;
    type Response = super::describe_client_quotas_response::DescribeClientQuotasResponse;
}

/// Part of [`DescribeClientQuotasRequest`], versions 0-1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ComponentData {
    /// `string`, versions 0-1.
    pub entity_type: KString,
    /// `int8`, versions 0-1.
    pub match_type: i8,
    /// `string`, versions 0-1.
    pub match_: Option<KString>,
}

impl Message for ComponentData {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 1;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.entity_type = d.string(flexible)?;
        m.match_type = d.i8()?;
        m.match_ = d.nullable_string(flexible)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.string(&self.entity_type, flexible);
        e.i8(self.match_type);
        e.nullable_string(self.match_.as_ref(), flexible);
        if flexible {
            e.uvarint(0);
        }
    }
}
