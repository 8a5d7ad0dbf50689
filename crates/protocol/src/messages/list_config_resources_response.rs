// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `ListConfigResourcesResponse`, versions 0-1.

use crate::{DecodeError, Decoder, Encoder, KString, Message};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListConfigResourcesResponse {
    /// `int32`, versions 0-1.
    pub throttle_time_ms: i32,
    /// `int16`, versions 0-1.
    pub error_code: i16,
    /// `[]ConfigResource`, versions 0-1.
    pub config_resources: Vec<ConfigResource>,
}

impl Message for ListConfigResourcesResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.throttle_time_ms = d.i32()?;
        m.error_code = d.i16()?;
        m.config_resources = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.i32(self.throttle_time_ms);
        e.i16(self.error_code);
        e.structs(&self.config_resources, true, version);
        e.uvarint(0);
    }
}

/// Part of [`ListConfigResourcesResponse`], versions 0-1.
#[derive(Clone, Debug, PartialEq)]
pub struct ConfigResource {
    /// `string`, versions 0-1.
    pub resource_name: KString,
    /// `int8`, versions 1, default 16.
    pub resource_type: i8,
}

impl Default for ConfigResource {
    fn default() -> Self {
        Self {
            resource_name: Default::default(),
            resource_type: 16,
        }
    }
}

impl Message for ConfigResource {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.resource_name = d.string(true)?;
        if version >= 1 { m.resource_type = d.i8()?; }
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.string(&self.resource_name, true);
        if version >= 1 { e.i8(self.resource_type); }
        e.uvarint(0);
    }
}
