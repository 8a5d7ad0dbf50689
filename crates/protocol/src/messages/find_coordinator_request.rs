// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `FindCoordinatorRequest`, versions 0-6.

use crate::{ApiKey, DecodeError, Decoder, Encoder, KString, Message, Request};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FindCoordinatorRequest {
    /// `string`, versions 0-3.
    pub key: KString,
    /// `int8`, versions 1-6, default 0.
    pub key_type: i8,
    /// `[]string`, versions 4-6.
    pub coordinator_keys: Vec<KString>,
}

impl Message for FindCoordinatorRequest {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=6;
    const FLEXIBLE_FROM: i16 = 3;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        if version <= 3 { m.key = d.string(flexible)?; }
        if version >= 1 { m.key_type = d.i8()?; }
        if version >= 4 { m.coordinator_keys = d.array(flexible)?; }
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        if version <= 3 { e.string(&self.key, flexible); }
        if version >= 1 { e.i8(self.key_type); }
        if version >= 4 { e.array(&self.coordinator_keys, flexible); }
        if flexible {
            e.uvarint(0);
        }
    }
}

impl Request for FindCoordinatorRequest {
    const KEY: ApiKey = ApiKey::FindCoordinator;
    type Response = super::find_coordinator_response::FindCoordinatorResponse;
}
