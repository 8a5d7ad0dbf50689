// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `AddOffsetsToTxnRequest`, versions 0-4.

use crate::{ApiKey, DecodeError, Decoder, Encoder, KString, Message, Request};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AddOffsetsToTxnRequest {
    /// `string`, versions 0-4.
    pub transactional_id: KString,
    /// `int64`, versions 0-4.
    pub producer_id: i64,
    /// `int16`, versions 0-4.
    pub producer_epoch: i16,
    /// `string`, versions 0-4.
    pub group_id: KString,
}

impl Message for AddOffsetsToTxnRequest {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=4;
    const FLEXIBLE_FROM: i16 = 3;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.transactional_id = d.string(flexible)?;
        m.producer_id = d.i64()?;
        m.producer_epoch = d.i16()?;
        m.group_id = d.string(flexible)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.string(&self.transactional_id, flexible);
        e.i64(self.producer_id);
        e.i16(self.producer_epoch);
        e.string(&self.group_id, flexible);
        if flexible {
            e.uvarint(0);
        }
    }
}

impl Request for AddOffsetsToTxnRequest {
    const KEY: ApiKey = ApiKey::AddOffsetsToTxn;
    type Response = super::add_offsets_to_txn_response::AddOffsetsToTxnResponse;
}
