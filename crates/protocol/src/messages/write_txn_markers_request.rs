// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `WriteTxnMarkersRequest`, versions 0-2.

use crate::{ApiKey, DecodeError, Decoder, Encoder, KString, Message, Request};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WriteTxnMarkersRequest {
    /// `[]WritableTxnMarker`, versions 0-2.
    pub markers: Vec<WritableTxnMarker>,
}

impl Message for WriteTxnMarkersRequest {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=2;
    const FLEXIBLE_FROM: i16 = 1;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.markers = d.structs(flexible, version)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.structs(&self.markers, flexible, version);
        if flexible {
            e.uvarint(0);
        }
    }
}

impl Request for WriteTxnMarkersRequest {
    const KEY: ApiKey = ApiKey::WriteTxnMarkers;
    type Response = super::write_txn_markers_response::WriteTxnMarkersResponse;
}

/// Part of [`WriteTxnMarkersRequest`], versions 0-2.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WritableTxnMarkerTopic {
    /// `string`, versions 0-2.
    pub name: KString,
    /// `[]int32`, versions 0-2.
    pub partition_indexes: Vec<i32>,
}

impl Message for WritableTxnMarkerTopic {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=2;
    const FLEXIBLE_FROM: i16 = 1;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.name = d.string(flexible)?;
        m.partition_indexes = d.array(flexible)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.string(&self.name, flexible);
        e.array(&self.partition_indexes, flexible);
        if flexible {
            e.uvarint(0);
        }
    }
}

/// Part of [`WriteTxnMarkersRequest`], versions 0-2.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WritableTxnMarker {
    /// `int64`, versions 0-2.
    pub producer_id: i64,
    /// `int16`, versions 0-2.
    pub producer_epoch: i16,
    /// `bool`, versions 0-2.
    pub transaction_result: bool,
    /// `[]WritableTxnMarkerTopic`, versions 0-2.
    pub topics: Vec<WritableTxnMarkerTopic>,
    /// `int32`, versions 0-2.
    pub coordinator_epoch: i32,
    /// `int8`, versions 2, default 0.
    pub transaction_version: i8,
}

impl Message for WritableTxnMarker {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=2;
    const FLEXIBLE_FROM: i16 = 1;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.producer_id = d.i64()?;
        m.producer_epoch = d.i16()?;
        m.transaction_result = d.bool()?;
        m.topics = d.structs(flexible, version)?;
        m.coordinator_epoch = d.i32()?;
        if version >= 2 { m.transaction_version = d.i8()?; }
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.i64(self.producer_id);
        e.i16(self.producer_epoch);
        e.bool(self.transaction_result);
        e.structs(&self.topics, flexible, version);
        e.i32(self.coordinator_epoch);
        if version >= 2 { e.i8(self.transaction_version); }
        if flexible {
            e.uvarint(0);
        }
    }
}
