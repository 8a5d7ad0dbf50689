// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `DescribeClusterRequest`, versions 0-2.

use crate::{ApiKey, DecodeError, Decoder, Encoder, Message, Request};

/// The message.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribeClusterRequest {
    /// `bool`, versions 0-2.
    pub include_cluster_authorized_operations: bool,
    /// `int8`, versions 1-2, default 1.
    pub endpoint_type: i8,
    /// `bool`, versions 2.
    pub include_fenced_brokers: bool,
}

impl Default for DescribeClusterRequest {
    fn default() -> Self {
        Self {
            include_cluster_authorized_operations: Default::default(),
            endpoint_type: 1,
            include_fenced_brokers: Default::default(),
        }
    }
}

impl Message for DescribeClusterRequest {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=2;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.include_cluster_authorized_operations = d.bool()?;
        if version >= 1 { m.endpoint_type = d.i8()?; }
        if version >= 2 { m.include_fenced_brokers = d.bool()?; }
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.bool(self.include_cluster_authorized_operations);
        if version >= 1 { e.i8(self.endpoint_type); }
        if version >= 2 { e.bool(self.include_fenced_brokers); }
        e.uvarint(0);
    }
}

impl Request for DescribeClusterRequest {
    const KEY: ApiKey = ApiKey::DescribeCluster;
    type Response = super::describe_cluster_response::DescribeClusterResponse;
}
