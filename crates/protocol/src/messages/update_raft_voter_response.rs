// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `UpdateRaftVoterResponse`, versions 0.

use crate::{DecodeError, Decoder, Encoder, KString, Message};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UpdateRaftVoterResponse {
    /// `int32`, versions 0.
    pub throttle_time_ms: i32,
    /// `int16`, versions 0.
    pub error_code: i16,
    /// `CurrentLeader`, versions 0, tag 0.
    pub current_leader: CurrentLeader,
}

impl Message for UpdateRaftVoterResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.throttle_time_ms = d.i32()?;
        m.error_code = d.i16()?;
        for _ in 0..d.tag_count()? {
            let (tag, outer) = d.begin_tag()?;
            match tag {
                0 => m.current_leader = CurrentLeader::decode(d, version)?,
                _ => {}
            }
            d.end_tag(outer);
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.i32(self.throttle_time_ms);
        e.i16(self.error_code);
        let has_0 = self.current_leader != CurrentLeader::default();
        e.uvarint(u32::from(has_0));
        if has_0 { e.tagged(0, |e| { self.current_leader.encode(e, version); }); }
    }
}

/// Part of [`UpdateRaftVoterResponse`], versions 0.
#[derive(Clone, Debug, PartialEq)]
pub struct CurrentLeader {
    /// `int32`, versions 0, default -1.
    pub leader_id: i32,
    /// `int32`, versions 0, default -1.
    pub leader_epoch: i32,
    /// `string`, versions 0.
    pub host: KString,
    /// `int32`, versions 0.
    pub port: i32,
}

impl Default for CurrentLeader {
    fn default() -> Self {
        Self {
            leader_id: -1,
            leader_epoch: -1,
            host: Default::default(),
            port: Default::default(),
        }
    }
}

impl Message for CurrentLeader {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.leader_id = d.i32()?;
        m.leader_epoch = d.i32()?;
        m.host = d.string(true)?;
        m.port = d.i32()?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.i32(self.leader_id);
        e.i32(self.leader_epoch);
        e.string(&self.host, true);
        e.i32(self.port);
        e.uvarint(0);
    }
}
