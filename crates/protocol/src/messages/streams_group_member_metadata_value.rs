// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `StreamsGroupMemberMetadataValue`, versions 0.

use crate::{DecodeError, Decoder, Encoder, KString, Message};

/// The message.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamsGroupMemberMetadataValue {
    /// `string`, versions 0.
    pub instance_id: Option<KString>,
    /// `string`, versions 0.
    pub rack_id: Option<KString>,
    /// `string`, versions 0.
    pub client_id: KString,
    /// `string`, versions 0.
    pub client_host: KString,
    /// `int32`, versions 0, default -1.
    pub rebalance_timeout_ms: i32,
    /// `int32`, versions 0.
    pub topology_epoch: i32,
    /// `string`, versions 0.
    pub process_id: KString,
    /// `Endpoint`, versions 0, default null.
    pub user_endpoint: Option<Endpoint>,
    /// `[]KeyValue`, versions 0.
    pub client_tags: Vec<KeyValue>,
}

impl Default for StreamsGroupMemberMetadataValue {
    fn default() -> Self {
        Self {
            instance_id: Default::default(),
            rack_id: Default::default(),
            client_id: Default::default(),
            client_host: Default::default(),
            rebalance_timeout_ms: -1,
            topology_epoch: Default::default(),
            process_id: Default::default(),
            user_endpoint: Default::default(),
            client_tags: Default::default(),
        }
    }
}

impl Message for StreamsGroupMemberMetadataValue {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.instance_id = d.nullable_string(true)?;
        m.rack_id = d.nullable_string(true)?;
        m.client_id = d.string(true)?;
        m.client_host = d.string(true)?;
        m.rebalance_timeout_ms = d.i32()?;
        m.topology_epoch = d.i32()?;
        m.process_id = d.string(true)?;
        m.user_endpoint = d.nullable_struct(version)?;
        m.client_tags = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.nullable_string(self.instance_id.as_ref(), true);
        e.nullable_string(self.rack_id.as_ref(), true);
        e.string(&self.client_id, true);
        e.string(&self.client_host, true);
        e.i32(self.rebalance_timeout_ms);
        e.i32(self.topology_epoch);
        e.string(&self.process_id, true);
        e.nullable_struct(self.user_endpoint.as_ref(), version);
        e.structs(&self.client_tags, true, version);
        e.uvarint(0);
    }
}

/// Part of [`StreamsGroupMemberMetadataValue`], versions 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Endpoint {
    /// `string`, versions 0.
    pub host: KString,
    /// `uint16`, versions 0.
    pub port: u16,
}

impl Message for Endpoint {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.host = d.string(true)?;
        m.port = d.u16()?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.string(&self.host, true);
        e.u16(self.port);
        e.uvarint(0);
    }
}

/// Part of [`StreamsGroupMemberMetadataValue`], versions 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KeyValue {
    /// `string`, versions 0.
    pub key: KString,
    /// `string`, versions 0.
    pub value: KString,
}

impl Message for KeyValue {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.key = d.string(true)?;
        m.value = d.string(true)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.string(&self.key, true);
        e.string(&self.value, true);
        e.uvarint(0);
    }
}
