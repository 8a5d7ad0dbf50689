// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `MetadataResponse`, versions 0-13.

use crate::{DecodeError, Decoder, Encoder, KString, Message, Uuid};

/// The message.
#[derive(Clone, Debug, PartialEq)]
pub struct MetadataResponse {
    /// `int32`, versions 3-13.
    pub throttle_time_ms: i32,
    /// `[]MetadataResponseBroker`, versions 0-13.
    pub brokers: Vec<MetadataResponseBroker>,
    /// `string`, versions 2-13, default null.
    pub cluster_id: Option<KString>,
    /// `int32`, versions 1-13, default -1.
    pub controller_id: i32,
    /// `[]MetadataResponseTopic`, versions 0-13.
    pub topics: Vec<MetadataResponseTopic>,
    /// `int32`, versions 8-10, default -2147483648.
    pub cluster_authorized_operations: i32,
    /// `int16`, versions 13.
    pub error_code: i16,
}

impl Default for MetadataResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: Default::default(),
            brokers: Default::default(),
            cluster_id: Default::default(),
            controller_id: -1,
            topics: Default::default(),
            cluster_authorized_operations: -2147483648,
            error_code: Default::default(),
        }
    }
}

impl Message for MetadataResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=13;
    const FLEXIBLE_FROM: i16 = 9;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        if version >= 3 { m.throttle_time_ms = d.i32()?; }
        m.brokers = d.structs(flexible, version)?;
        if version >= 2 { m.cluster_id = d.nullable_string(flexible)?; }
        if version >= 1 { m.controller_id = d.i32()?; }
        m.topics = d.structs(flexible, version)?;
        if version >= 8 && version <= 10 { m.cluster_authorized_operations = d.i32()?; }
        if version >= 13 { m.error_code = d.i16()?; }
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        if version >= 3 { e.i32(self.throttle_time_ms); }
        e.structs(&self.brokers, flexible, version);
        if version >= 2 { e.nullable_string(self.cluster_id.as_ref(), flexible); }
        if version >= 1 { e.i32(self.controller_id); }
        e.structs(&self.topics, flexible, version);
        if version >= 8 && version <= 10 { e.i32(self.cluster_authorized_operations); }
        if version >= 13 { e.i16(self.error_code); }
        if flexible {
            e.uvarint(0);
        }
    }
}

/// Part of [`MetadataResponse`], versions 0-13.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MetadataResponseBroker {
    /// `int32`, versions 0-13.
    pub node_id: i32,
    /// `string`, versions 0-13.
    pub host: KString,
    /// `int32`, versions 0-13.
    pub port: i32,
    /// `string`, versions 1-13, default null.
    pub rack: Option<KString>,
}

impl Message for MetadataResponseBroker {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=13;
    const FLEXIBLE_FROM: i16 = 9;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.node_id = d.i32()?;
        m.host = d.string(flexible)?;
        m.port = d.i32()?;
        if version >= 1 { m.rack = d.nullable_string(flexible)?; }
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.i32(self.node_id);
        e.string(&self.host, flexible);
        e.i32(self.port);
        if version >= 1 { e.nullable_string(self.rack.as_ref(), flexible); }
        if flexible {
            e.uvarint(0);
        }
    }
}

/// Part of [`MetadataResponse`], versions 0-13.
#[derive(Clone, Debug, PartialEq)]
pub struct MetadataResponsePartition {
    /// `int16`, versions 0-13.
    pub error_code: i16,
    /// `int32`, versions 0-13.
    pub partition_index: i32,
    /// `int32`, versions 0-13.
    pub leader_id: i32,
    /// `int32`, versions 7-13, default -1.
    pub leader_epoch: i32,
    /// `[]int32`, versions 0-13.
    pub replica_nodes: Vec<i32>,
    /// `[]int32`, versions 0-13.
    pub isr_nodes: Vec<i32>,
    /// `[]int32`, versions 5-13.
    pub offline_replicas: Vec<i32>,
}

impl Default for MetadataResponsePartition {
    fn default() -> Self {
        Self {
            error_code: Default::default(),
            partition_index: Default::default(),
            leader_id: Default::default(),
            leader_epoch: -1,
            replica_nodes: Default::default(),
            isr_nodes: Default::default(),
            offline_replicas: Default::default(),
        }
    }
}

impl Message for MetadataResponsePartition {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=13;
    const FLEXIBLE_FROM: i16 = 9;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.error_code = d.i16()?;
        m.partition_index = d.i32()?;
        m.leader_id = d.i32()?;
        if version >= 7 { m.leader_epoch = d.i32()?; }
        m.replica_nodes = d.array(flexible)?;
        m.isr_nodes = d.array(flexible)?;
        if version >= 5 { m.offline_replicas = d.array(flexible)?; }
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.i16(self.error_code);
        e.i32(self.partition_index);
        e.i32(self.leader_id);
        if version >= 7 { e.i32(self.leader_epoch); }
        e.array(&self.replica_nodes, flexible);
        e.array(&self.isr_nodes, flexible);
        if version >= 5 { e.array(&self.offline_replicas, flexible); }
        if flexible {
            e.uvarint(0);
        }
    }
}

/// Part of [`MetadataResponse`], versions 0-13.
#[derive(Clone, Debug, PartialEq)]
pub struct MetadataResponseTopic {
    /// `int16`, versions 0-13.
    pub error_code: i16,
    /// `string`, versions 0-13, null in 12-13.
    pub name: Option<KString>,
    /// `uuid`, versions 10-13.
    pub topic_id: Uuid,
    /// `bool`, versions 1-13, default false.
    pub is_internal: bool,
    /// `[]MetadataResponsePartition`, versions 0-13.
    pub partitions: Vec<MetadataResponsePartition>,
    /// `int32`, versions 8-13, default -2147483648.
    pub topic_authorized_operations: i32,
}

impl Default for MetadataResponseTopic {
    fn default() -> Self {
        Self {
            error_code: Default::default(),
            name: Default::default(),
            topic_id: Default::default(),
            is_internal: Default::default(),
            partitions: Default::default(),
            topic_authorized_operations: -2147483648,
        }
    }
}

impl Message for MetadataResponseTopic {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=13;
    const FLEXIBLE_FROM: i16 = 9;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.error_code = d.i16()?;
        m.name = if version >= 12 {
            d.nullable_string(flexible)?
        } else {
            Some(d.string(flexible)?)
        };
        if version >= 10 { m.topic_id = d.uuid()?; }
        if version >= 1 { m.is_internal = d.bool()?; }
        m.partitions = d.structs(flexible, version)?;
        if version >= 8 { m.topic_authorized_operations = d.i32()?; }
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.i16(self.error_code);
        if version >= 12 {
            e.nullable_string(self.name.as_ref(), flexible);
        } else {
            e.string(self.name.as_deref().unwrap_or_default(), flexible);
        }
        if version >= 10 { e.uuid(self.topic_id); }
        if version >= 1 { e.bool(self.is_internal); }
        e.structs(&self.partitions, flexible, version);
        if version >= 8 { e.i32(self.topic_authorized_operations); }
        if flexible {
            e.uvarint(0);
        }
    }
}
