// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `MetadataRequest`, versions 0-13.

use crate::{ApiKey, DecodeError, Decoder, Encoder, KString, Message, Request, Uuid};

/// The message.
#[derive(Clone, Debug, PartialEq)]
pub struct MetadataRequest {
    /// `[]MetadataRequestTopic`, versions 0-13, null in 1-13.
    pub topics: Option<Vec<MetadataRequestTopic>>,
    /// `bool`, versions 4-13, default true.
    pub allow_auto_topic_creation: bool,
    /// `bool`, versions 8-10.
    pub include_cluster_authorized_operations: bool,
    /// `bool`, versions 8-13.
    pub include_topic_authorized_operations: bool,
}

impl Default for MetadataRequest {
    fn default() -> Self {
        Self {
            topics: Some(Default::default()),
            allow_auto_topic_creation: true,
            include_cluster_authorized_operations: Default::default(),
            include_topic_authorized_operations: Default::default(),
        }
    }
}

impl Message for MetadataRequest {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=13;
    const FLEXIBLE_FROM: i16 = 9;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.topics = if version >= 1 {
            d.nullable_structs(flexible, version)?
        } else {
            Some(d.structs(flexible, version)?)
        };
        if version >= 4 { m.allow_auto_topic_creation = d.bool()?; }
        if version >= 8 && version <= 10 { m.include_cluster_authorized_operations = d.bool()?; }
        if version >= 8 { m.include_topic_authorized_operations = d.bool()?; }
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        if version >= 1 {
            e.nullable_structs(self.topics.as_ref(), flexible, version);
        } else {
            e.structs(self.topics.as_deref().unwrap_or_default(), flexible, version);
        }
        if version >= 4 { e.bool(self.allow_auto_topic_creation); }
        if version >= 8 && version <= 10 { e.bool(self.include_cluster_authorized_operations); }
        if version >= 8 { e.bool(self.include_topic_authorized_operations); }
        if flexible {
            e.uvarint(0);
        }
    }
}

impl Request for MetadataRequest {
    const KEY: ApiKey = ApiKey::Metadata;
    type Response = super::metadata_response::MetadataResponse;
}

/// Part of [`MetadataRequest`], versions 0-13.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MetadataRequestTopic {
    /// `uuid`, versions 10-13.
    pub topic_id: Uuid,
    /// `string`, versions 0-13, null in 10-13.
    pub name: Option<KString>,
}

impl Message for MetadataRequestTopic {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=13;
    const FLEXIBLE_FROM: i16 = 9;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        if version >= 10 { m.topic_id = d.uuid()?; }
        m.name = if version >= 10 {
            d.nullable_string(flexible)?
        } else {
            Some(d.string(flexible)?)
        };
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        if version >= 10 { e.uuid(self.topic_id); }
        if version >= 10 {
            e.nullable_string(self.name.as_ref(), flexible);
        } else {
            e.string(self.name.as_deref().unwrap_or_default(), flexible);
        }
        if flexible {
            e.uvarint(0);
        }
    }
}
