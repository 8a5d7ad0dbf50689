// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `BrokerRegistrationRequest`, versions 0-4.

use crate::{ApiKey, DecodeError, Decoder, Encoder, KString, Message, Request, Uuid};

/// The message.
#[derive(Clone, Debug, PartialEq)]
pub struct BrokerRegistrationRequest {
    /// `int32`, versions 0-4.
    pub broker_id: i32,
    /// `string`, versions 0-4.
    pub cluster_id: KString,
    /// `uuid`, versions 0-4.
    pub incarnation_id: Uuid,
    /// `[]Listener`, versions 0-4.
    pub listeners: Vec<Listener>,
    /// `[]Feature`, versions 0-4.
    pub features: Vec<Feature>,
    /// `string`, versions 0-4.
    pub rack: Option<KString>,
    /// `bool`, versions 1-4, default false.
    pub is_migrating_zk_broker: bool,
    /// `[]uuid`, versions 2-4.
    pub log_dirs: Vec<Uuid>,
    /// `int64`, versions 3-4, default -1.
    pub previous_broker_epoch: i64,
}

impl Default for BrokerRegistrationRequest {
    fn default() -> Self {
        Self {
            broker_id: Default::default(),
            cluster_id: Default::default(),
            incarnation_id: Default::default(),
            listeners: Default::default(),
            features: Default::default(),
            rack: Default::default(),
            is_migrating_zk_broker: Default::default(),
            log_dirs: Default::default(),
            previous_broker_epoch: -1,
        }
    }
}

impl Message for BrokerRegistrationRequest {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=4;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.broker_id = d.i32()?;
        m.cluster_id = d.string(true)?;
        m.incarnation_id = d.uuid()?;
        m.listeners = d.structs(true, version)?;
        m.features = d.structs(true, version)?;
        m.rack = d.nullable_string(true)?;
        if version >= 1 { m.is_migrating_zk_broker = d.bool()?; }
        if version >= 2 { m.log_dirs = d.array(true)?; }
        if version >= 3 { m.previous_broker_epoch = d.i64()?; }
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.i32(self.broker_id);
        e.string(&self.cluster_id, true);
        e.uuid(self.incarnation_id);
        e.structs(&self.listeners, true, version);
        e.structs(&self.features, true, version);
        e.nullable_string(self.rack.as_ref(), true);
        if version >= 1 { e.bool(self.is_migrating_zk_broker); }
        if version >= 2 { e.array(&self.log_dirs, true); }
        if version >= 3 { e.i64(self.previous_broker_epoch); }
        e.uvarint(0);
    }
}

impl Request for BrokerRegistrationRequest {
    const KEY: ApiKey = ApiKey::BrokerRegistration;
    type Response = super::broker_registration_response::BrokerRegistrationResponse;
}

/// Part of [`BrokerRegistrationRequest`], versions 0-4.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listener {
    /// `string`, versions 0-4.
    pub name: KString,
    /// `string`, versions 0-4.
    pub host: KString,
    /// `uint16`, versions 0-4.
    pub port: u16,
    /// `int16`, versions 0-4.
    pub security_protocol: i16,
}

impl Message for Listener {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=4;
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

/// Part of [`BrokerRegistrationRequest`], versions 0-4.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Feature {
    /// `string`, versions 0-4.
    pub name: KString,
    /// `int16`, versions 0-4.
    pub min_supported_version: i16,
    /// `int16`, versions 0-4.
    pub max_supported_version: i16,
}

impl Message for Feature {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=4;
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
