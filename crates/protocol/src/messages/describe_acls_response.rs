// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `DescribeAclsResponse`, versions 0-3.

use crate::{DecodeError, Decoder, Encoder, KString, Message};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeAclsResponse {
    /// `int32`, versions 0-3.
    pub throttle_time_ms: i32,
    /// `int16`, versions 0-3.
    pub error_code: i16,
    /// `string`, versions 0-3.
    pub error_message: Option<KString>,
    /// `[]DescribeAclsResource`, versions 0-3.
    pub resources: Vec<DescribeAclsResource>,
}

impl Message for DescribeAclsResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=3;
    const FLEXIBLE_FROM: i16 = 2;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.throttle_time_ms = d.i32()?;
        m.error_code = d.i16()?;
        m.error_message = d.nullable_string(flexible)?;
        m.resources = d.structs(flexible, version)?;
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
        e.structs(&self.resources, flexible, version);
        if flexible {
            e.uvarint(0);
        }
    }
}

/// Part of [`DescribeAclsResponse`], versions 0-3.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AclDescription {
    /// `string`, versions 0-3.
    pub principal: KString,
    /// `string`, versions 0-3.
    pub host: KString,
    /// `int8`, versions 0-3.
    pub operation: i8,
    /// `int8`, versions 0-3.
    pub permission_type: i8,
}

impl Message for AclDescription {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=3;
    const FLEXIBLE_FROM: i16 = 2;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
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
        e.string(&self.principal, flexible);
        e.string(&self.host, flexible);
        e.i8(self.operation);
        e.i8(self.permission_type);
        if flexible {
            e.uvarint(0);
        }
    }
}

/// Part of [`DescribeAclsResponse`], versions 0-3.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeAclsResource {
    /// `int8`, versions 0-3.
    pub resource_type: i8,
    /// `string`, versions 0-3.
    pub resource_name: KString,
    /// `int8`, versions 1-3, default 3.
    pub pattern_type: i8,
    /// `[]AclDescription`, versions 0-3.
    pub acls: Vec<AclDescription>,
}

impl Default for DescribeAclsResource {
    fn default() -> Self {
        Self {
            resource_type: Default::default(),
            resource_name: Default::default(),
            pattern_type: 3,
            acls: Default::default(),
        }
    }
}

impl Message for DescribeAclsResource {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=3;
    const FLEXIBLE_FROM: i16 = 2;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.resource_type = d.i8()?;
        m.resource_name = d.string(flexible)?;
        if version >= 1 { m.pattern_type = d.i8()?; }
        m.acls = d.structs(flexible, version)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.i8(self.resource_type);
        e.string(&self.resource_name, flexible);
        if version >= 1 { e.i8(self.pattern_type); }
        e.structs(&self.acls, flexible, version);
        if flexible {
            e.uvarint(0);
        }
    }
}
