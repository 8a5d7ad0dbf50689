// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `PushTelemetryRequest`, versions 0.

use bytes::Bytes;

use crate::{ApiKey, DecodeError, Decoder, Encoder, Message, Request, Uuid};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PushTelemetryRequest {
    /// `uuid`, versions 0.
    pub client_instance_id: Uuid,
    /// `int32`, versions 0.
    pub subscription_id: i32,
    /// `bool`, versions 0.
    pub terminating: bool,
    /// `int8`, versions 0.
    pub compression_type: i8,
    /// `bytes`, versions 0.
    pub metrics: Bytes,
}

impl Message for PushTelemetryRequest {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.client_instance_id = d.uuid()?;
        m.subscription_id = d.i32()?;
        m.terminating = d.bool()?;
        m.compression_type = d.i8()?;
        m.metrics = d.bytes(true)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.uuid(self.client_instance_id);
        e.i32(self.subscription_id);
        e.bool(self.terminating);
        e.i8(self.compression_type);
        e.bytes(&self.metrics, true);
        e.uvarint(0);
    }
}

impl Request for PushTelemetryRequest {
    const KEY: ApiKey = ApiKey::PushTelemetry;
    type Response = super::push_telemetry_response::PushTelemetryResponse;
}
