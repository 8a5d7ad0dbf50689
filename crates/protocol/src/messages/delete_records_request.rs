// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `DeleteRecordsRequest`, versions 0-2.

use crate::{ApiKey, DecodeError, Decoder, Encoder, KString, Message, Request};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeleteRecordsRequest {
    /// `[]DeleteRecordsTopic`, versions 0-2.
    pub topics: Vec<DeleteRecordsTopic>,
    /// `int32`, versions 0-2.
    pub timeout_ms: i32,
}

impl Message for DeleteRecordsRequest {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=2;
    const FLEXIBLE_FROM: i16 = 2;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.topics = d.structs(flexible, version)?;
        m.timeout_ms = d.i32()?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.structs(&self.topics, flexible, version);
        e.i32(self.timeout_ms);
        if flexible {
            e.uvarint(0);
        }
    }
}

impl Request for DeleteRecordsRequest {
    const KEY: ApiKey = ApiKey::DeleteRecords;
    type Response = super::delete_records_response::DeleteRecordsResponse;
}

/// Part of [`DeleteRecordsRequest`], versions 0-2.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeleteRecordsPartition {
    /// `int32`, versions 0-2.
    pub partition_index: i32,
    /// `int64`, versions 0-2.
    pub offset: i64,
}

impl Message for DeleteRecordsPartition {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=2;
    const FLEXIBLE_FROM: i16 = 2;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.partition_index = d.i32()?;
        m.offset = d.i64()?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.i32(self.partition_index);
        e.i64(self.offset);
        if flexible {
            e.uvarint(0);
        }
    }
}

/// Part of [`DeleteRecordsRequest`], versions 0-2.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeleteRecordsTopic {
    /// `string`, versions 0-2.
    pub name: KString,
    /// `[]DeleteRecordsPartition`, versions 0-2.
    pub partitions: Vec<DeleteRecordsPartition>,
}

impl Message for DeleteRecordsTopic {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=2;
    const FLEXIBLE_FROM: i16 = 2;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.name = d.string(flexible)?;
        m.partitions = d.structs(flexible, version)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.string(&self.name, flexible);
        e.structs(&self.partitions, flexible, version);
        if flexible {
            e.uvarint(0);
        }
    }
}
