// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `TransactionLogValue`, versions 0-1.

use crate::{DecodeError, Decoder, Encoder, KString, Message};

/// The message.
#[derive(Clone, Debug, PartialEq)]
pub struct TransactionLogValue {
    /// `int64`, versions 0-1.
    pub producer_id: i64,
    /// `int64`, versions 1, tag 0, default -1.
    pub previous_producer_id: i64,
    /// `int64`, versions 1, tag 1, default -1.
    pub next_producer_id: i64,
    /// `int16`, versions 0-1.
    pub producer_epoch: i16,
    /// `int16`, versions 1, tag 3, default -1.
    pub next_producer_epoch: i16,
    /// `int32`, versions 0-1.
    pub transaction_timeout_ms: i32,
    /// `int8`, versions 0-1.
    pub transaction_status: i8,
    /// `[]PartitionsSchema`, versions 0-1.
    pub transaction_partitions: Option<Vec<PartitionsSchema>>,
    /// `int64`, versions 0-1.
    pub transaction_last_update_timestamp_ms: i64,
    /// `int64`, versions 0-1.
    pub transaction_start_timestamp_ms: i64,
    /// `int16`, versions 1, tag 2, default 0.
    pub client_transaction_version: i16,
}

impl Default for TransactionLogValue {
    fn default() -> Self {
        Self {
            producer_id: Default::default(),
            previous_producer_id: -1,
            next_producer_id: -1,
            producer_epoch: Default::default(),
            next_producer_epoch: -1,
            transaction_timeout_ms: Default::default(),
            transaction_status: Default::default(),
            transaction_partitions: Some(Default::default()),
            transaction_last_update_timestamp_ms: Default::default(),
            transaction_start_timestamp_ms: Default::default(),
            client_transaction_version: Default::default(),
        }
    }
}

impl Message for TransactionLogValue {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 1;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.producer_id = d.i64()?;
        m.producer_epoch = d.i16()?;
        m.transaction_timeout_ms = d.i32()?;
        m.transaction_status = d.i8()?;
        m.transaction_partitions = d.nullable_structs(flexible, version)?;
        m.transaction_last_update_timestamp_ms = d.i64()?;
        m.transaction_start_timestamp_ms = d.i64()?;
        if flexible {
            for _ in 0..d.tag_count()? {
                let (tag, outer) = d.begin_tag()?;
                match tag {
                    0 if version >= 1 => m.previous_producer_id = d.i64()?,
                    1 if version >= 1 => m.next_producer_id = d.i64()?,
                    2 if version >= 1 => m.client_transaction_version = d.i16()?,
                    3 if version >= 1 => m.next_producer_epoch = d.i16()?,
                    _ => {}
                }
                d.end_tag(outer);
            }
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.i64(self.producer_id);
        e.i16(self.producer_epoch);
        e.i32(self.transaction_timeout_ms);
        e.i8(self.transaction_status);
        e.nullable_structs(self.transaction_partitions.as_ref(), flexible, version);
        e.i64(self.transaction_last_update_timestamp_ms);
        e.i64(self.transaction_start_timestamp_ms);
        if flexible {
            let has_0 = version >= 1 && self.previous_producer_id != -1;
            let has_1 = version >= 1 && self.next_producer_id != -1;
            let has_2 = version >= 1 && self.client_transaction_version != 0;
            let has_3 = version >= 1 && self.next_producer_epoch != -1;
            e.uvarint(u32::from(has_0) + u32::from(has_1) + u32::from(has_2) + u32::from(has_3));
            if has_0 { e.tagged(0, |e| { e.i64(self.previous_producer_id); }); }
            if has_1 { e.tagged(1, |e| { e.i64(self.next_producer_id); }); }
            if has_2 { e.tagged(2, |e| { e.i16(self.client_transaction_version); }); }
            if has_3 { e.tagged(3, |e| { e.i16(self.next_producer_epoch); }); }
        }
    }
}

/// Part of [`TransactionLogValue`], versions 0-1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PartitionsSchema {
    /// `string`, versions 0-1.
    pub topic: KString,
    /// `[]int32`, versions 0-1.
    pub partition_ids: Vec<i32>,
}

impl Message for PartitionsSchema {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 1;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.topic = d.string(flexible)?;
        m.partition_ids = d.array(flexible)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.string(&self.topic, flexible);
        e.array(&self.partition_ids, flexible);
        if flexible {
            e.uvarint(0);
        }
    }
}
