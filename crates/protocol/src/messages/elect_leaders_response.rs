// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `ElectLeadersResponse`, versions 0-2.

use crate::{DecodeError, Decoder, Encoder, KString, Message};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ElectLeadersResponse {
    /// `int32`, versions 0-2.
    pub throttle_time_ms: i32,
    /// `int16`, versions 1-2.
    pub error_code: i16,
    /// `[]ReplicaElectionResult`, versions 0-2.
    pub replica_election_results: Vec<ReplicaElectionResult>,
}

impl Message for ElectLeadersResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=2;
    const FLEXIBLE_FROM: i16 = 2;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.throttle_time_ms = d.i32()?;
        if version >= 1 { m.error_code = d.i16()?; }
        m.replica_election_results = d.structs(flexible, version)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.i32(self.throttle_time_ms);
        if version >= 1 { e.i16(self.error_code); }
        e.structs(&self.replica_election_results, flexible, version);
        if flexible {
            e.uvarint(0);
        }
    }
}

/// Part of [`ElectLeadersResponse`], versions 0-2.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PartitionResult {
    /// `int32`, versions 0-2.
    pub partition_id: i32,
    /// `int16`, versions 0-2.
    pub error_code: i16,
    /// `string`, versions 0-2.
    pub error_message: Option<KString>,
}

impl Message for PartitionResult {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=2;
    const FLEXIBLE_FROM: i16 = 2;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.partition_id = d.i32()?;
        m.error_code = d.i16()?;
        m.error_message = d.nullable_string(flexible)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.i32(self.partition_id);
        e.i16(self.error_code);
        e.nullable_string(self.error_message.as_ref(), flexible);
        if flexible {
            e.uvarint(0);
        }
    }
}

/// Part of [`ElectLeadersResponse`], versions 0-2.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReplicaElectionResult {
    /// `string`, versions 0-2.
    pub topic: KString,
    /// `[]PartitionResult`, versions 0-2.
    pub partition_result: Vec<PartitionResult>,
}

impl Message for ReplicaElectionResult {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=2;
    const FLEXIBLE_FROM: i16 = 2;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.topic = d.string(flexible)?;
        m.partition_result = d.structs(flexible, version)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.string(&self.topic, flexible);
        e.structs(&self.partition_result, flexible, version);
        if flexible {
            e.uvarint(0);
        }
    }
}
