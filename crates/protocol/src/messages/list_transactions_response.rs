// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `ListTransactionsResponse`, versions 0-2.

use crate::{DecodeError, Decoder, Encoder, KString, Message};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListTransactionsResponse {
    /// `int32`, versions 0-2.
    pub throttle_time_ms: i32,
    /// `int16`, versions 0-2.
    pub error_code: i16,
    /// `[]string`, versions 0-2.
    pub unknown_state_filters: Vec<KString>,
    /// `[]TransactionState`, versions 0-2.
    pub transaction_states: Vec<TransactionState>,
}

impl Message for ListTransactionsResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=2;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.throttle_time_ms = d.i32()?;
        m.error_code = d.i16()?;
        m.unknown_state_filters = d.array(true)?;
        m.transaction_states = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.i32(self.throttle_time_ms);
        e.i16(self.error_code);
        e.array(&self.unknown_state_filters, true);
        e.structs(&self.transaction_states, true, version);
        e.uvarint(0);
    }
}

/// Part of [`ListTransactionsResponse`], versions 0-2.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TransactionState {
    /// `string`, versions 0-2.
    pub transactional_id: KString,
    /// `int64`, versions 0-2.
    pub producer_id: i64,
    /// `string`, versions 0-2.
    pub transaction_state: KString,
}

impl Message for TransactionState {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=2;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.transactional_id = d.string(true)?;
        m.producer_id = d.i64()?;
        m.transaction_state = d.string(true)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.string(&self.transactional_id, true);
        e.i64(self.producer_id);
        e.string(&self.transaction_state, true);
        e.uvarint(0);
    }
}
