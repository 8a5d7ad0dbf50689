// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `CreateAclsRequest`, versions 0-3.

use crate::{ApiKey, DecodeError, Decoder, Encoder, KString, Message, Request};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CreateAclsRequest {
    /// `[]AclCreation`, versions 0-3.
    pub creations: Vec<AclCreation>,
}

impl Message for CreateAclsRequest {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=3;
    const FLEXIBLE_FROM: i16 = 2;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.creations = d.structs(flexible, version)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.structs(&self.creations, flexible, version);
        if flexible {
            e.uvarint(0);
        }
    }
}

impl Request for CreateAclsRequest {
    const KEY: ApiKey = ApiKey::CreateAcls;
    type Response = super::create_acls_response::CreateAclsResponse;
}

/// Part of [`CreateAclsRequest`], versions 0-3.
#[derive(Clone, Debug, PartialEq)]
pub struct AclCreation {
    /// `int8`, versions 0-3.
    pub resource_type: i8,
    /// `string`, versions 0-3.
    pub resource_name: KString,
    /// `int8`, versions 1-3, default 3.
    pub resource_pattern_type: i8,
    /// `string`, versions 0-3.
    pub principal: KString,
    /// `string`, versions 0-3.
    pub host: KString,
    /// `int8`, versions 0-3.
    pub operation: i8,
    /// `int8`, versions 0-3.
    pub permission_type: i8,
}

impl Default for AclCreation {
    fn default() -> Self {
        Self {
            resource_type: Default::default(),
            resource_name: Default::default(),
            resource_pattern_type: 3,
            principal: Default::default(),
            host: Default::default(),
            operation: Default::default(),
            permission_type: Default::default(),
        }
    }
}

impl Message for AclCreation {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=3;
    const FLEXIBLE_FROM: i16 = 2;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.resource_type = d.i8()?;
        m.resource_name = d.string(flexible)?;
        if version >= 1 { m.resource_pattern_type = d.i8()?; }
        m.principal = d.string(flexible)?;
        m.host = d.string(flexible)?;
        m.operation = d.i8()?;
        m.permission_type = d.i8()?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.i8(self.resource_type);
        e.string(&self.resource_name, flexible);
        if version >= 1 { e.i8(self.resource_pattern_type); }
        e.string(&self.principal, flexible);
        e.string(&self.host, flexible);
        e.i8(self.operation);
        e.i8(self.permission_type);
        if flexible {
            e.uvarint(0);
        }
    }
}
