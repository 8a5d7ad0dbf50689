// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `DeleteAclsResponse`, versions 0-3.

use crate::{DecodeError, Decoder, Encoder, KString, Message};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeleteAclsResponse {
    /// `int32`, versions 0-3.
    pub throttle_time_ms: i32,
    /// `[]DeleteAclsFilterResult`, versions 0-3.
    pub filter_results: Vec<DeleteAclsFilterResult>,
}

impl Message for DeleteAclsResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=3;
    const FLEXIBLE_FROM: i16 = 2;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.throttle_time_ms = d.i32()?;
        m.filter_results = d.structs(flexible, version)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.i32(self.throttle_time_ms);
        e.structs(&self.filter_results, flexible, version);
        if flexible {
            e.uvarint(0);
        }
    }
}

/// Part of [`DeleteAclsResponse`], versions 0-3.
#[derive(Clone, Debug, PartialEq)]
pub struct DeleteAclsMatchingAcl {
    /// `int16`, versions 0-3.
    pub error_code: i16,
    /// `string`, versions 0-3.
    pub error_message: Option<KString>,
    /// `int8`, versions 0-3.
    pub resource_type: i8,
    /// `string`, versions 0-3.
    pub resource_name: KString,
    /// `int8`, versions 1-3, default 3.
    pub pattern_type: i8,
    /// `string`, versions 0-3.
    pub principal: KString,
    /// `string`, versions 0-3.
    pub host: KString,
    /// `int8`, versions 0-3.
    pub operation: i8,
    /// `int8`, versions 0-3.
    pub permission_type: i8,
}

impl Default for DeleteAclsMatchingAcl {
    fn default() -> Self {
        Self {
            error_code: Default::default(),
            error_message: Default::default(),
            resource_type: Default::default(),
            resource_name: Default::default(),
            pattern_type: 3,
            principal: Default::default(),
            host: Default::default(),
            operation: Default::default(),
            permission_type: Default::default(),
        }
    }
}

impl Message for DeleteAclsMatchingAcl {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=3;
    const FLEXIBLE_FROM: i16 = 2;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.error_code = d.i16()?;
        m.error_message = d.nullable_string(flexible)?;
        m.resource_type = d.i8()?;
        m.resource_name = d.string(flexible)?;
        if version >= 1 { m.pattern_type = d.i8()?; }
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
        e.i16(self.error_code);
        e.nullable_string(self.error_message.as_ref(), flexible);
        e.i8(self.resource_type);
        e.string(&self.resource_name, flexible);
        if version >= 1 { e.i8(self.pattern_type); }
        e.string(&self.principal, flexible);
        e.string(&self.host, flexible);
        e.i8(self.operation);
        e.i8(self.permission_type);
        if flexible {
            e.uvarint(0);
        }
    }
}

/// Part of [`DeleteAclsResponse`], versions 0-3.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeleteAclsFilterResult {
    /// `int16`, versions 0-3.
    pub error_code: i16,
    /// `string`, versions 0-3.
    pub error_message: Option<KString>,
    /// `[]DeleteAclsMatchingAcl`, versions 0-3.
    pub matching_acls: Vec<DeleteAclsMatchingAcl>,
}

impl Message for DeleteAclsFilterResult {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=3;
    const FLEXIBLE_FROM: i16 = 2;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.error_code = d.i16()?;
        m.error_message = d.nullable_string(flexible)?;
        m.matching_acls = d.structs(flexible, version)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.i16(self.error_code);
        e.nullable_string(self.error_message.as_ref(), flexible);
        e.structs(&self.matching_acls, flexible, version);
        if flexible {
            e.uvarint(0);
        }
    }
}
