// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `AlterPartitionReassignmentsResponse`, versions 0-1.

use crate::{DecodeError, Decoder, Encoder, KString, Message};

/// The message.
#[derive(Clone, Debug, PartialEq)]
pub struct AlterPartitionReassignmentsResponse {
    /// `int32`, versions 0-1.
    pub throttle_time_ms: i32,
    /// `bool`, versions 1, default true.
    pub allow_replication_factor_change: bool,
    /// `int16`, versions 0-1.
    pub error_code: i16,
    /// `string`, versions 0-1.
    pub error_message: Option<KString>,
    /// `[]ReassignableTopicResponse`, versions 0-1.
    pub responses: Vec<ReassignableTopicResponse>,
}

impl Default for AlterPartitionReassignmentsResponse {
    fn default() -> Self {
        Self {
            throttle_time_ms: Default::default(),
            allow_replication_factor_change: true,
            error_code: Default::default(),
            error_message: Default::default(),
            responses: Default::default(),
        }
    }
}

impl Message for AlterPartitionReassignmentsResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.throttle_time_ms = d.i32()?;
        if version >= 1 { m.allow_replication_factor_change = d.bool()?; }
        m.error_code = d.i16()?;
        m.error_message = d.nullable_string(true)?;
        m.responses = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.i32(self.throttle_time_ms);
        if version >= 1 { e.bool(self.allow_replication_factor_change); }
        e.i16(self.error_code);
        e.nullable_string(self.error_message.as_ref(), true);
        e.structs(&self.responses, true, version);
        e.uvarint(0);
    }
}

/// Part of [`AlterPartitionReassignmentsResponse`], versions 0-1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReassignablePartitionResponse {
    /// `int32`, versions 0-1.
    pub partition_index: i32,
    /// `int16`, versions 0-1.
    pub error_code: i16,
    /// `string`, versions 0-1.
    pub error_message: Option<KString>,
}

impl Message for ReassignablePartitionResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.partition_index = d.i32()?;
        m.error_code = d.i16()?;
        m.error_message = d.nullable_string(true)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.i32(self.partition_index);
        e.i16(self.error_code);
        e.nullable_string(self.error_message.as_ref(), true);
        e.uvarint(0);
    }
}

/// Part of [`AlterPartitionReassignmentsResponse`], versions 0-1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReassignableTopicResponse {
    /// `string`, versions 0-1.
    pub name: KString,
    /// `[]ReassignablePartitionResponse`, versions 0-1.
    pub partitions: Vec<ReassignablePartitionResponse>,
}

impl Message for ReassignableTopicResponse {
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
