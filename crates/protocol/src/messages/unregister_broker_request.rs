// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `UnregisterBrokerRequest`, versions 0.

use crate::{ApiKey, DecodeError, Decoder, Encoder, Message, Request};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UnregisterBrokerRequest {
    /// `int32`, versions 0.
    pub broker_id: i32,
}

impl Message for UnregisterBrokerRequest {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.broker_id = d.i32()?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.i32(self.broker_id);
        e.uvarint(0);
    }
}

impl Request for UnregisterBrokerRequest {
    const KEY: ApiKey = ApiKey::UnregisterBroker;
    type Response = super::unregister_broker_response::UnregisterBrokerResponse;
}
