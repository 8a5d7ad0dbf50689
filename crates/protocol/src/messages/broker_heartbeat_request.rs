// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `BrokerHeartbeatRequest`, versions 0-2.

use crate::{ApiKey, DecodeError, Decoder, Encoder, Message, Request, Uuid};

/// The message.
#[derive(Clone, Debug, PartialEq)]
pub struct BrokerHeartbeatRequest {
    /// `int32`, versions 0-2.
    pub broker_id: i32,
    /// `int64`, versions 0-2, default -1.
    pub broker_epoch: i64,
    /// `int64`, versions 0-2.
    pub current_metadata_offset: i64,
    /// `bool`, versions 0-2.
    pub want_fence: bool,
    /// `bool`, versions 0-2.
    pub want_shut_down: bool,
    /// `[]uuid`, versions 1-2, tag 0.
    pub offline_log_dirs: Vec<Uuid>,
    /// `[]uuid`, versions 2, tag 1, default null.
    pub cordoned_log_dirs: Option<Vec<Uuid>>,
}

impl Default for BrokerHeartbeatRequest {
    fn default() -> Self {
        Self {
            broker_id: Default::default(),
            broker_epoch: -1,
            current_metadata_offset: Default::default(),
            want_fence: Default::default(),
            want_shut_down: Default::default(),
            offline_log_dirs: Default::default(),
            cordoned_log_dirs: Default::default(),
        }
    }
}

impl Message for BrokerHeartbeatRequest {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=2;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.broker_id = d.i32()?;
        m.broker_epoch = d.i64()?;
        m.current_metadata_offset = d.i64()?;
        m.want_fence = d.bool()?;
        m.want_shut_down = d.bool()?;
        for _ in 0..d.tag_count()? {
            let (tag, outer) = d.begin_tag()?;
            match tag {
                0 if version >= 1 => m.offline_log_dirs = d.array(true)?,
                1 if version >= 2 => m.cordoned_log_dirs = d.nullable_array(true)?,
                _ => {}
            }
            d.end_tag(outer);
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.i32(self.broker_id);
        e.i64(self.broker_epoch);
        e.i64(self.current_metadata_offset);
        e.bool(self.want_fence);
        e.bool(self.want_shut_down);
        let has_0 = version >= 1 && !self.offline_log_dirs.is_empty();
        let has_1 = version >= 2 && self.cordoned_log_dirs.is_some();
        e.uvarint(u32::from(has_0) + u32::from(has_1));
        if has_0 { e.tagged(0, |e| { e.array(&self.offline_log_dirs, true); }); }
        if has_1 { e.tagged(1, |e| { e.nullable_array(self.cordoned_log_dirs.as_ref(), true); }); }
    }
}

impl Request for BrokerHeartbeatRequest {
    const KEY: ApiKey = ApiKey::BrokerHeartbeat;
    type Response = super::broker_heartbeat_response::BrokerHeartbeatResponse;
}
