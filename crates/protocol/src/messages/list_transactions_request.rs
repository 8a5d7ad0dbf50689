// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `ListTransactionsRequest`, versions 0-2.

use crate::{ApiKey, DecodeError, Decoder, Encoder, KString, Message, Request};

/// The message.
#[derive(Clone, Debug, PartialEq)]
pub struct ListTransactionsRequest {
    /// `[]string`, versions 0-2.
    pub state_filters: Vec<KString>,
    /// `[]int64`, versions 0-2.
    pub producer_id_filters: Vec<i64>,
    /// `int64`, versions 1-2, default -1.
    pub duration_filter: i64,
    /// `string`, versions 2, default null.
    pub transactional_id_pattern: Option<KString>,
}

impl Default for ListTransactionsRequest {
    fn default() -> Self {
        Self {
            state_filters: Default::default(),
            producer_id_filters: Default::default(),
            duration_filter: -1,
            transactional_id_pattern: Default::default(),
        }
    }
}

impl Message for ListTransactionsRequest {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=2;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.state_filters = d.array(true)?;
        m.producer_id_filters = d.array(true)?;
        if version >= 1 { m.duration_filter = d.i64()?; }
        if version >= 2 { m.transactional_id_pattern = d.nullable_string(true)?; }
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.array(&self.state_filters, true);
        e.array(&self.producer_id_filters, true);
        if version >= 1 { e.i64(self.duration_filter); }
        if version >= 2 { e.nullable_string(self.transactional_id_pattern.as_ref(), true); }
        e.uvarint(0);
    }
}

impl Request for ListTransactionsRequest {
    const KEY: ApiKey = ApiKey::ListTransactions;
    type Response = super::list_transactions_response::ListTransactionsResponse;
}
