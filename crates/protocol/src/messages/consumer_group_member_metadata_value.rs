// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `ConsumerGroupMemberMetadataValue`, versions 0.

use bytes::Bytes;

use crate::{DecodeError, Decoder, Encoder, KString, Message};

/// The message.
#[derive(Clone, Debug, PartialEq)]
pub struct ConsumerGroupMemberMetadataValue {
    /// `string`, versions 0.
    pub instance_id: Option<KString>,
    /// `string`, versions 0.
    pub rack_id: Option<KString>,
    /// `string`, versions 0.
    pub client_id: KString,
    /// `string`, versions 0.
    pub client_host: KString,
    /// `[]string`, versions 0.
    pub subscribed_topic_names: Vec<KString>,
    /// `string`, versions 0.
    pub subscribed_topic_regex: Option<KString>,
    /// `int32`, versions 0, default -1.
    pub rebalance_timeout_ms: i32,
    /// `string`, versions 0.
    pub server_assignor: Option<KString>,
    /// `ClassicMemberMetadata`, versions 0, tag 0, default null.
    pub classic_member_metadata: Option<ClassicMemberMetadata>,
}

impl Default for ConsumerGroupMemberMetadataValue {
    fn default() -> Self {
        Self {
            instance_id: Default::default(),
            rack_id: Default::default(),
            client_id: Default::default(),
            client_host: Default::default(),
            subscribed_topic_names: Default::default(),
            subscribed_topic_regex: Default::default(),
            rebalance_timeout_ms: -1,
            server_assignor: Default::default(),
            classic_member_metadata: Default::default(),
        }
    }
}

impl Message for ConsumerGroupMemberMetadataValue {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.instance_id = d.nullable_string(true)?;
        m.rack_id = d.nullable_string(true)?;
        m.client_id = d.string(true)?;
        m.client_host = d.string(true)?;
        m.subscribed_topic_names = d.array(true)?;
        m.subscribed_topic_regex = d.nullable_string(true)?;
        m.rebalance_timeout_ms = d.i32()?;
        m.server_assignor = d.nullable_string(true)?;
        for _ in 0..d.tag_count()? {
            let (tag, outer) = d.begin_tag()?;
            match tag {
                0 => m.classic_member_metadata = d.nullable_struct(version)?,
                _ => {}
            }
            d.end_tag(outer);
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.nullable_string(self.instance_id.as_ref(), true);
        e.nullable_string(self.rack_id.as_ref(), true);
        e.string(&self.client_id, true);
        e.string(&self.client_host, true);
        e.array(&self.subscribed_topic_names, true);
        e.nullable_string(self.subscribed_topic_regex.as_ref(), true);
        e.i32(self.rebalance_timeout_ms);
        e.nullable_string(self.server_assignor.as_ref(), true);
        let has_0 = self.classic_member_metadata.is_some();
        e.uvarint(u32::from(has_0));
        if has_0 {
            e.tagged(0, |e| { e.nullable_struct(self.classic_member_metadata.as_ref(), version); });
        }
    }
}

/// Part of [`ConsumerGroupMemberMetadataValue`], versions 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClassicProtocol {
    /// `string`, versions 0.
    pub name: KString,
    /// `bytes`, versions 0.
    pub metadata: Bytes,
}

impl Message for ClassicProtocol {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.name = d.string(true)?;
        m.metadata = d.bytes(true)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.string(&self.name, true);
        e.bytes(&self.metadata, true);
        e.uvarint(0);
    }
}

/// Part of [`ConsumerGroupMemberMetadataValue`], versions 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClassicMemberMetadata {
    /// `int32`, versions 0.
    pub session_timeout_ms: i32,
    /// `[]ClassicProtocol`, versions 0.
    pub supported_protocols: Vec<ClassicProtocol>,
}

impl Message for ClassicMemberMetadata {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.session_timeout_ms = d.i32()?;
        m.supported_protocols = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.i32(self.session_timeout_ms);
        e.structs(&self.supported_protocols, true, version);
        e.uvarint(0);
    }
}
