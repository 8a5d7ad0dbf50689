// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `ControllerRegistrationRequest`, versions 0.

use crate::{ApiKey, DecodeError, Decoder, Encoder, KString, Message, Request, Uuid};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ControllerRegistrationRequest {
    /// `int32`, versions 0.
    pub controller_id: i32,
    /// `uuid`, versions 0.
    pub incarnation_id: Uuid,
    /// `bool`, versions 0.
    pub zk_migration_ready: bool,
    /// `[]Listener`, versions 0.
    pub listeners: Vec<Listener>,
    /// `[]Feature`, versions 0.
    pub features: Vec<Feature>,
}

impl Message for ControllerRegistrationRequest {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.controller_id = d.i32()?;
        m.incarnation_id = d.uuid()?;
        m.zk_migration_ready = d.bool()?;
        m.listeners = d.structs(true, version)?;
        m.features = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.i32(self.controller_id);
        e.uuid(self.incarnation_id);
        e.bool(self.zk_migration_ready);
        e.structs(&self.listeners, true, version);
        e.structs(&self.features, true, version);
        e.uvarint(0);
    }
}

impl Request for ControllerRegistrationRequest {
    const KEY: ApiKey = ApiKey::ControllerRegistration;
    type Response = super::controller_registration_response::ControllerRegistrationResponse;
}

/// Part of [`ControllerRegistrationRequest`], versions 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listener {
    /// `string`, versions 0.
    pub name: KString,
    /// `string`, versions 0.
    pub host: KString,
    /// `uint16`, versions 0.
    pub port: u16,
    /// `int16`, versions 0.
    pub security_protocol: i16,
}

impl Message for Listener {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.name = d.string(true)?;
        m.host = d.string(true)?;
        m.port = d.u16()?;
        m.security_protocol = d.i16()?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.string(&self.name, true);
        e.string(&self.host, true);
        e.u16(self.port);
        e.i16(self.security_protocol);
        e.uvarint(0);
    }
}

/// Part of [`ControllerRegistrationRequest`], versions 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Feature {
    /// `string`, versions 0.
    pub name: KString,
    /// `int16`, versions 0.
    pub min_supported_version: i16,
    /// `int16`, versions 0.
    pub max_supported_version: i16,
}

impl Message for Feature {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.name = d.string(true)?;
        m.min_supported_version = d.i16()?;
        m.max_supported_version = d.i16()?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.string(&self.name, true);
        e.i16(self.min_supported_version);
        e.i16(self.max_supported_version);
        e.uvarint(0);
    }
}
