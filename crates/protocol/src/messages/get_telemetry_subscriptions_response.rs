// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `GetTelemetrySubscriptionsResponse`, versions 0.

use crate::{DecodeError, Decoder, Encoder, KString, Message, Uuid};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GetTelemetrySubscriptionsResponse {
    /// `int32`, versions 0.
    pub throttle_time_ms: i32,
    /// `int16`, versions 0.
    pub error_code: i16,
    /// `uuid`, versions 0.
    pub client_instance_id: Uuid,
    /// `int32`, versions 0.
    pub subscription_id: i32,
    /// `[]int8`, versions 0.
    pub accepted_compression_types: Vec<i8>,
    /// `int32`, versions 0.
    pub push_interval_ms: i32,
    /// `int32`, versions 0.
    pub telemetry_max_bytes: i32,
    /// `bool`, versions 0.
    pub delta_temporality: bool,
    /// `[]string`, versions 0.
    pub requested_metrics: Vec<KString>,
}

impl Message for GetTelemetrySubscriptionsResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.throttle_time_ms = d.i32()?;
        m.error_code = d.i16()?;
        m.client_instance_id = d.uuid()?;
        m.subscription_id = d.i32()?;
        m.accepted_compression_types = d.array(true)?;
        m.push_interval_ms = d.i32()?;
        m.telemetry_max_bytes = d.i32()?;
        m.delta_temporality = d.bool()?;
        m.requested_metrics = d.array(true)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.i32(self.throttle_time_ms);
        e.i16(self.error_code);
        e.uuid(self.client_instance_id);
        e.i32(self.subscription_id);
        e.array(&self.accepted_compression_types, true);
        e.i32(self.push_interval_ms);
        e.i32(self.telemetry_max_bytes);
        e.bool(self.delta_temporality);
        e.array(&self.requested_metrics, true);
        e.uvarint(0);
    }
}
