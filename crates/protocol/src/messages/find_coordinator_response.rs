// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `FindCoordinatorResponse`, versions 0-6.

use crate::{DecodeError, Decoder, Encoder, KString, Message};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FindCoordinatorResponse {
    /// `int32`, versions 1-6.
    pub throttle_time_ms: i32,
    /// `int16`, versions 0-3.
    pub error_code: i16,
    /// `string`, versions 1-3.
    pub error_message: Option<KString>,
    /// `int32`, versions 0-3.
    pub node_id: i32,
    /// `string`, versions 0-3.
    pub host: KString,
    /// `int32`, versions 0-3.
    pub port: i32,
    /// `[]Coordinator`, versions 4-6.
    pub coordinators: Vec<Coordinator>,
}

impl Message for FindCoordinatorResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=6;
    const FLEXIBLE_FROM: i16 = 3;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        if version >= 1 { m.throttle_time_ms = d.i32()?; }
        if version <= 3 { m.error_code = d.i16()?; }
        if version >= 1 && version <= 3 { m.error_message = d.nullable_string(flexible)?; }
        if version <= 3 { m.node_id = d.i32()?; }
        if version <= 3 { m.host = d.string(flexible)?; }
        if version <= 3 { m.port = d.i32()?; }
        if version >= 4 { m.coordinators = d.structs(flexible, version)?; }
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        if version >= 1 { e.i32(self.throttle_time_ms); }
        if version <= 3 { e.i16(self.error_code); }
        if version >= 1 && version <= 3 {
            e.nullable_string(self.error_message.as_ref(), flexible);
        }
        if version <= 3 { e.i32(self.node_id); }
        if version <= 3 { e.string(&self.host, flexible); }
        if version <= 3 { e.i32(self.port); }
        if version >= 4 { e.structs(&self.coordinators, flexible, version); }
        if flexible {
            e.uvarint(0);
        }
    }
}

/// Part of [`FindCoordinatorResponse`], versions 4-6.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Coordinator {
    /// `string`, versions 4-6.
    pub key: KString,
    /// `int32`, versions 4-6.
    pub node_id: i32,
    /// `string`, versions 4-6.
    pub host: KString,
    /// `int32`, versions 4-6.
    pub port: i32,
    /// `int16`, versions 4-6.
    pub error_code: i16,
    /// `string`, versions 4-6.
    pub error_message: Option<KString>,
}

impl Message for Coordinator {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=6;
    const FLEXIBLE_FROM: i16 = 3;

    fn decode(d: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.key = d.string(true)?;
        m.node_id = d.i32()?;
        m.host = d.string(true)?;
        m.port = d.i32()?;
        m.error_code = d.i16()?;
        m.error_message = d.nullable_string(true)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.string(&self.key, true);
        e.i32(self.node_id);
        e.string(&self.host, true);
        e.i32(self.port);
        e.i16(self.error_code);
        e.nullable_string(self.error_message.as_ref(), true);
        e.uvarint(0);
    }
}
