// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `AlterPartitionReassignmentsRequest`, versions 0-1.

use crate::{ApiKey, DecodeError, Decoder, Encoder, KString, Message, Request};

/// The message.
#[derive(Clone, Debug, PartialEq)]
pub struct AlterPartitionReassignmentsRequest {
    /// `int32`, versions 0-1, default 60000.
    pub timeout_ms: i32,
    /// `bool`, versions 1, default true.
    pub allow_replication_factor_change: bool,
    /// `[]ReassignableTopic`, versions 0-1.
    pub topics: Vec<ReassignableTopic>,
}

impl Default for AlterPartitionReassignmentsRequest {
    fn default() -> Self {
        Self {
            timeout_ms: 60000,
            allow_replication_factor_change: true,
            topics: Default::default(),
        }
    }
}

impl Message for AlterPartitionReassignmentsRequest {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.timeout_ms = d.i32()?;
        if version >= 1 { m.allow_replication_factor_change = d.bool()?; }
        m.topics = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.i32(self.timeout_ms);
        if version >= 1 { e.bool(self.allow_replication_factor_change); }
        e.structs(&self.topics, true, version);
        e.uvarint(0);
    }
}

impl Request for AlterPartitionReassignmentsRequest {
    const KEY: ApiKey = ApiKey::AlterPartitionReassignments;
    type Response =
        super::alter_partition_reassignments_response::AlterPartitionReassignmentsResponse;
}

/// Part of [`AlterPartitionReassignmentsRequest`], versions 0-1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReassignablePartition {
    /// `int32`, versions 0-1.
    pub partition_index: i32,
    /// `[]int32`, versions 0-1, default null.
    pub replicas: Option<Vec<i32>>,
}

impl Message for ReassignablePartition {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.partition_index = d.i32()?;
        m.replicas = d.nullable_array(true)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.i32(self.partition_index);
        e.nullable_array(self.replicas.as_ref(), true);
        e.uvarint(0);
    }
}

/// Part of [`AlterPartitionReassignmentsRequest`], versions 0-1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReassignableTopic {
    /// `string`, versions 0-1.
    pub name: KString,
    /// `[]ReassignablePartition`, versions 0-1.
    pub partitions: Vec<ReassignablePartition>,
}

impl Message for ReassignableTopic {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.name = d.string(true)?;
        m.partitions = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.string(&self.name, true);
        e.structs(&self.partitions, true, version);
        e.uvarint(0);
    }
}
