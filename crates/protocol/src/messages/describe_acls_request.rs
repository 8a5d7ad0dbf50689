// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `DescribeAclsRequest`, versions 0-3.

use crate::{ApiKey, DecodeError, Decoder, Encoder, KString, Message, Request};

/// The message.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeAclsRequest {
    /// `int8`, versions 0-3.
    pub resource_type_filter: i8,
    /// `string`, versions 0-3.
    pub resource_name_filter: Option<KString>,
    /// `int8`, versions 1-3, default 3.
    pub pattern_type_filter: i8,
    /// `string`, versions 0-3.
    pub principal_filter: Option<KString>,
    /// `string`, versions 0-3.
    pub host_filter: Option<KString>,
    /// `int8`, versions 0-3.
    pub operation: i8,
    /// `int8`, versions 0-3.
    pub permission_type: i8,
}

impl Default for DescribeAclsRequest {
    fn default() -> Self {
        Self {
            resource_type_filter: Default::default(),
            resource_name_filter: Default::default(),
            pattern_type_filter: 3,
            principal_filter: Default::default(),
            host_filter: Default::default(),
            operation: Default::default(),
            permission_type: Default::default(),
        }
    }
}

impl Message for DescribeAclsRequest {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=3;
    const FLEXIBLE_FROM: i16 = 2;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.resource_type_filter = d.i8()?;
        m.resource_name_filter = d.nullable_string(flexible)?;
        if version >= 1 { m.pattern_type_filter = d.i8()?; }
        m.principal_filter = d.nullable_string(flexible)?;
        m.host_filter = d.nullable_string(flexible)?;
        m.operation = d.i8()?;
        m.permission_type = d.i8()?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.i8(self.resource_type_filter);
        e.nullable_string(self.resource_name_filter.as_ref(), flexible);
        if version >= 1 { e.i8(self.pattern_type_filter); }
        e.nullable_string(self.principal_filter.as_ref(), flexible);
        e.nullable_string(self.host_filter.as_ref(), flexible);
        e.i8(self.operation);
        e.i8(self.permission_type);
        if flexible {
            e.uvarint(0);
        }
    }
}

impl Request for DescribeAclsRequest {
    const KEY: ApiKey = ApiKey::DescribeAcls;
    type Response = super::describe_acls_response::DescribeAclsResponse;
}
