// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `OffsetFetchRequest`, versions 0-10.

use crate::{ApiKey, DecodeError, Decoder, Encoder, KString, Message, Request, Uuid};

/// The message.
#[derive(Clone, Debug, PartialEq)]
pub struct OffsetFetchRequest {
    /// `string`, versions 0-7.
    pub group_id: KString,
    /// `[]OffsetFetchRequestTopic`, versions 0-7, null in 2-7.
    pub topics: Option<Vec<OffsetFetchRequestTopic>>,
    /// `[]OffsetFetchRequestGroup`, versions 8-10.
    pub groups: Vec<OffsetFetchRequestGroup>,
    /// `bool`, versions 7-10, default false.
    pub require_stable: bool,
}

impl Default for OffsetFetchRequest {
    fn default() -> Self {
        Self {
            group_id: Default::default(),
            topics: Some(Default::default()),
            groups: Default::default(),
            require_stable: Default::default(),
        }
    }
}

impl Message for OffsetFetchRequest {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=10;
    const FLEXIBLE_FROM: i16 = 6;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        if version <= 7 { m.group_id = d.string(flexible)?; }
        if version <= 7 {
            m.topics = if version >= 2 {
                d.nullable_structs(flexible, version)?
            } else {
                Some(d.structs(flexible, version)?)
            };
        }
        if version >= 8 { m.groups = d.structs(flexible, version)?; }
        if version >= 7 { m.require_stable = d.bool()?; }
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        if version <= 7 { e.string(&self.group_id, flexible); }
        if version <= 7 {
            if version >= 2 {
                e.nullable_structs(self.topics.as_ref(), flexible, version);
            } else {
                e.structs(self.topics.as_deref().unwrap_or_default(), flexible, version);
            }
        }
        if version >= 8 { e.structs(&self.groups, flexible, version); }
        if version >= 7 { e.bool(self.require_stable); }
        if flexible {
            e.uvarint(0);
        }
    }
}

impl Request for OffsetFetchRequest {
    const KEY: ApiKey = ApiKey::OffsetFetch;
    type Response = super::offset_fetch_response::OffsetFetchResponse;
}

/// Part of [`OffsetFetchRequest`], versions 0-7.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetFetchRequestTopic {
    /// `string`, versions 0-7.
    pub name: KString,
    /// `[]int32`, versions 0-7.
    pub partition_indexes: Vec<i32>,
}

impl Message for OffsetFetchRequestTopic {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=10;
    const FLEXIBLE_FROM: i16 = 6;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.name = d.string(flexible)?;
        m.partition_indexes = d.array(flexible)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.string(&self.name, flexible);
        e.array(&self.partition_indexes, flexible);
        if flexible {
            e.uvarint(0);
        }
    }
}

/// Part of [`OffsetFetchRequest`], versions 8-10.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OffsetFetchRequestTopics {
    /// `string`, versions 8-9.
    pub name: KString,
    /// `uuid`, versions 10.
    pub topic_id: Uuid,
    /// `[]int32`, versions 8-10.
    pub partition_indexes: Vec<i32>,
}

impl Message for OffsetFetchRequestTopics {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=10;
    const FLEXIBLE_FROM: i16 = 6;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        if version <= 9 { m.name = d.string(true)?; }
        if version >= 10 { m.topic_id = d.uuid()?; }
        m.partition_indexes = d.array(true)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        if version <= 9 { e.string(&self.name, true); }
        if version >= 10 { e.uuid(self.topic_id); }
        e.array(&self.partition_indexes, true);
        e.uvarint(0);
    }
}

/// Part of [`OffsetFetchRequest`], versions 8-10.
#[derive(Clone, Debug, PartialEq)]
pub struct OffsetFetchRequestGroup {
    /// `string`, versions 8-10.
    pub group_id: KString,
    /// `string`, versions 9-10, default null.
    pub member_id: Option<KString>,
    /// `int32`, versions 9-10, default -1.
    pub member_epoch: i32,
    /// `[]OffsetFetchRequestTopics`, versions 8-10.
    pub topics: Option<Vec<OffsetFetchRequestTopics>>,
}

impl Default for OffsetFetchRequestGroup {
    fn default() -> Self {
        Self {
            group_id: Default::default(),
            member_id: Default::default(),
            member_epoch: -1,
            topics: Some(Default::default()),
        }
    }
}

impl Message for OffsetFetchRequestGroup {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=10;
    const FLEXIBLE_FROM: i16 = 6;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.group_id = d.string(true)?;
        if version >= 9 { m.member_id = d.nullable_string(true)?; }
        if version >= 9 { m.member_epoch = d.i32()?; }
        m.topics = d.nullable_structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.string(&self.group_id, true);
        if version >= 9 { e.nullable_string(self.member_id.as_ref(), true); }
        if version >= 9 { e.i32(self.member_epoch); }
        e.nullable_structs(self.topics.as_ref(), true, version);
        e.uvarint(0);
    }
}
