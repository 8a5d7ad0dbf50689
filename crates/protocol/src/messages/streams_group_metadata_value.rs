// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `StreamsGroupMetadataValue`, versions 0.

use crate::{DecodeError, Decoder, Encoder, KString, Message};

/// The message.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamsGroupMetadataValue {
    /// `int32`, versions 0.
    pub epoch: i32,
    /// `int64`, versions 0.
    pub metadata_hash: i64,
    /// `int32`, versions 0, tag 0, default -1.
    pub validated_topology_epoch: i32,
    /// `[]LastAssignmentConfig`, versions 0, tag 1, default null.
    pub last_assignment_configs: Option<Vec<LastAssignmentConfig>>,
}

impl Default for StreamsGroupMetadataValue {
    fn default() -> Self {
        Self {
            epoch: Default::default(),
            metadata_hash: Default::default(),
            validated_topology_epoch: -1,
            last_assignment_configs: Default::default(),
        }
    }
}

impl Message for StreamsGroupMetadataValue {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.epoch = d.i32()?;
        m.metadata_hash = d.i64()?;
        for _ in 0..d.tag_count()? {
            let (tag, outer) = d.begin_tag()?;
            match tag {
                0 => m.validated_topology_epoch = d.i32()?,
                1 => m.last_assignment_configs = d.nullable_structs(true, version)?,
                _ => {}
            }
            d.end_tag(outer);
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.i32(self.epoch);
        e.i64(self.metadata_hash);
        let has_0 = self.validated_topology_epoch != -1;
        let has_1 = self.last_assignment_configs.is_some();
        e.uvarint(u32::from(has_0) + u32::from(has_1));
        if has_0 { e.tagged(0, |e| { e.i32(self.validated_topology_epoch); }); }
        if has_1 {
            e.tagged(1, |e| {
                e.nullable_structs(self.last_assignment_configs.as_ref(), true, version);
            });
        }
    }
}

/// Part of [`StreamsGroupMetadataValue`], versions 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LastAssignmentConfig {
    /// `string`, versions 0.
    pub key: KString,
    /// `string`, versions 0.
    pub value: KString,
}

impl Message for LastAssignmentConfig {
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
