// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `CreateTopicsResponse`, versions 0-7.

use crate::{DecodeError, Decoder, Encoder, KString, Message, Uuid};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CreateTopicsResponse {
    /// `int32`, versions 2-7.
    pub throttle_time_ms: i32,
    /// `[]CreatableTopicResult`, versions 0-7.
    pub topics: Vec<CreatableTopicResult>,
}

impl Message for CreateTopicsResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=7;
    const FLEXIBLE_FROM: i16 = 5;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        if version >= 2 { m.throttle_time_ms = d.i32()?; }
        m.topics = d.structs(flexible, version)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        if version >= 2 { e.i32(self.throttle_time_ms); }
        e.structs(&self.topics, flexible, version);
        if flexible {
            e.uvarint(0);
        }
    }
}

/// Part of [`CreateTopicsResponse`], versions 5-7.
#[derive(Clone, Debug, PartialEq)]
pub struct CreatableTopicConfigs {
    /// `string`, versions 5-7.
    pub name: KString,
    /// `string`, versions 5-7.
    pub value: Option<KString>,
    /// `bool`, versions 5-7.
    pub read_only: bool,
    /// `int8`, versions 5-7, default -1.
    pub config_source: i8,
    /// `bool`, versions 5-7.
    pub is_sensitive: bool,
}

impl Default for CreatableTopicConfigs {
    fn default() -> Self {
        Self {
            name: Default::default(),
            value: Default::default(),
            read_only: Default::default(),
            config_source: -1,
            is_sensitive: Default::default(),
        }
    }
}

impl Message for CreatableTopicConfigs {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=7;
    const FLEXIBLE_FROM: i16 = 5;

    fn decode(d: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.name = d.string(true)?;
        m.value = d.nullable_string(true)?;
        m.read_only = d.bool()?;
        m.config_source = d.i8()?;
        m.is_sensitive = d.bool()?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.string(&self.name, true);
        e.nullable_string(self.value.as_ref(), true);
        e.bool(self.read_only);
        e.i8(self.config_source);
        e.bool(self.is_sensitive);
        e.uvarint(0);
    }
}

/// Part of [`CreateTopicsResponse`], versions 0-7.
#[derive(Clone, Debug, PartialEq)]
pub struct CreatableTopicResult {
    /// `string`, versions 0-7.
    pub name: KString,
    /// `uuid`, versions 7.
    pub topic_id: Uuid,
    /// `int16`, versions 0-7.
    pub error_code: i16,
    /// `string`, versions 1-7.
    pub error_message: Option<KString>,
    /// `int16`, versions 5-7, tag 0.
    pub topic_config_error_code: i16,
    /// `int32`, versions 5-7, default -1.
    pub num_partitions: i32,
    /// `int16`, versions 5-7, default -1.
    pub replication_factor: i16,
    /// `[]CreatableTopicConfigs`, versions 5-7.
    pub configs: Option<Vec<CreatableTopicConfigs>>,
}

impl Default for CreatableTopicResult {
    fn default() -> Self {
        Self {
            name: Default::default(),
            topic_id: Default::default(),
            error_code: Default::default(),
            error_message: Default::default(),
            topic_config_error_code: Default::default(),
            num_partitions: -1,
            replication_factor: -1,
            configs: Some(Default::default()),
        }
    }
}

impl Message for CreatableTopicResult {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=7;
    const FLEXIBLE_FROM: i16 = 5;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.name = d.string(flexible)?;
        if version >= 7 { m.topic_id = d.uuid()?; }
        m.error_code = d.i16()?;
        if version >= 1 { m.error_message = d.nullable_string(flexible)?; }
        if version >= 5 { m.num_partitions = d.i32()?; }
        if version >= 5 { m.replication_factor = d.i16()?; }
        if version >= 5 { m.configs = d.nullable_structs(flexible, version)?; }
        if flexible {
            for _ in 0..d.tag_count()? {
                let (tag, outer) = d.begin_tag()?;
                match tag {
                    0 if version >= 5 => m.topic_config_error_code = d.i16()?,
                    _ => {}
                }
                d.end_tag(outer);
            }
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.string(&self.name, flexible);
        if version >= 7 { e.uuid(self.topic_id); }
        e.i16(self.error_code);
        if version >= 1 { e.nullable_string(self.error_message.as_ref(), flexible); }
        if version >= 5 { e.i32(self.num_partitions); }
        if version >= 5 { e.i16(self.replication_factor); }
        if version >= 5 { e.nullable_structs(self.configs.as_ref(), flexible, version); }
        if flexible {
            let has_0 = version >= 5 && self.topic_config_error_code != 0;
            e.uvarint(u32::from(has_0));
            if has_0 { e.tagged(0, |e| { e.i16(self.topic_config_error_code); }); }
        }
    }
}
