// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `OffsetCommitValue`, versions 0-4.

use crate::{DecodeError, Decoder, Encoder, KString, Message, Uuid};

/// The message.
#[derive(Clone, Debug, PartialEq)]
pub struct OffsetCommitValue {
    /// `int64`, versions 0-4.
    pub offset: i64,
    /// `int32`, versions 3-4, default -1.
    pub leader_epoch: i32,
    /// `string`, versions 0-4.
    pub metadata: KString,
    /// `int64`, versions 0-4.
    pub commit_timestamp: i64,
    /// `int64`, versions 1, default -1.
    pub expire_timestamp: i64,
    /// `uuid`, versions 4, tag 0.
    pub topic_id: Uuid,
}

impl Default for OffsetCommitValue {
    fn default() -> Self {
        Self {
            offset: Default::default(),
            leader_epoch: -1,
            metadata: Default::default(),
            commit_timestamp: Default::default(),
            expire_timestamp: -1,
            topic_id: Default::default(),
        }
    }
}

impl Message for OffsetCommitValue {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=4;
    const FLEXIBLE_FROM: i16 = 4;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.offset = d.i64()?;
        if version >= 3 { m.leader_epoch = d.i32()?; }
        m.metadata = d.string(flexible)?;
        m.commit_timestamp = d.i64()?;
        if version == 1 { m.expire_timestamp = d.i64()?; }
        if flexible {
            for _ in 0..d.tag_count()? {
                let (tag, outer) = d.begin_tag()?;
                match tag {
                    0 if version >= 4 => m.topic_id = d.uuid()?,
                    _ => {}
                }
                d.end_tag(outer);
            }
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.i64(self.offset);
        if version >= 3 { e.i32(self.leader_epoch); }
        e.string(&self.metadata, flexible);
        e.i64(self.commit_timestamp);
        if version == 1 { e.i64(self.expire_timestamp); }
        if flexible {
            let has_0 = version >= 4 && !self.topic_id.is_nil();
            e.uvarint(u32::from(has_0));
            if has_0 { e.tagged(0, |e| { e.uuid(self.topic_id); }); }
        }
    }
}
