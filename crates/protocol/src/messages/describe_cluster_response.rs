// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `DescribeClusterResponse`, versions 0-2.

use crate::{DecodeError, Decoder, Encoder, KString, Message};

/// The message.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeClusterResponse {
    /// `int32`, versions 0-2.
    pub throttle_time_ms: i32,
    /// `int16`, versions 0-2.
    pub error_code: i16,
    /// `string`, versions 0-2, default null.
    pub error_message: Option<KString>,
    /// `int8`, versions 1-2, default 1.
    pub endpoint_type: i8,
    /// `string`, versions 0-2.
    pub cluster_id: KString,
    /// `int32`, versions 0-2, default -1.
    pub controller_id: i32,
    /// `[]DescribeClusterBroker`, versions 0-2.
    pub brokers: Vec<DescribeClusterBroker>,
    /// `int32`, versions 0-2, default -2147483648.
    pub cluster_authorized_operations: i32,
}

impl Default for DescribeClusterResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: Default::default(),
            error_code: Default::default(),
            error_message: Default::default(),
            endpoint_type: 1,
            cluster_id: Default::default(),
            controller_id: -1,
            brokers: Default::default(),
            cluster_authorized_operations: -2147483648,
        }
    }
}

impl Message for DescribeClusterResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=2;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.throttle_time_ms = d.i32()?;
        m.error_code = d.i16()?;
        m.error_message = d.nullable_string(true)?;
        if version >= 1 { m.endpoint_type = d.i8()?; }
        m.cluster_id = d.string(true)?;
        m.controller_id = d.i32()?;
        m.brokers = d.structs(true, version)?;
        m.cluster_authorized_operations = d.i32()?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.i32(self.throttle_time_ms);
        e.i16(self.error_code);
        e.nullable_string(self.error_message.as_ref(), true);
        if version >= 1 { e.i8(self.endpoint_type); }
        e.string(&self.cluster_id, true);
        e.i32(self.controller_id);
        e.structs(&self.brokers, true, version);
        e.i32(self.cluster_authorized_operations);
        e.uvarint(0);
    }
}

/// Part of [`DescribeClusterResponse`], versions 0-2.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeClusterBroker {
    /// `int32`, versions 0-2.
    pub broker_id: i32,
    /// `string`, versions 0-2.
    pub host: KString,
    /// `int32`, versions 0-2.
    pub port: i32,
    /// `string`, versions 0-2, default null.
    pub rack: Option<KString>,
    /// `bool`, versions 2.
    pub is_fenced: bool,
}

impl Message for DescribeClusterBroker {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=2;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.broker_id = d.i32()?;
        m.host = d.string(true)?;
        m.port = d.i32()?;
        m.rack = d.nullable_string(true)?;
        if version >= 2 { m.is_fenced = d.bool()?; }
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.i32(self.broker_id);
        e.string(&self.host, true);
        e.i32(self.port);
        e.nullable_string(self.rack.as_ref(), true);
        if version >= 2 { e.bool(self.is_fenced); }
        e.uvarint(0);
    }
}
