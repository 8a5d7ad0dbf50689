// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `LeaderChangeMessage`, versions 0-1.

use crate::{DecodeError, Decoder, Encoder, Message, Uuid};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LeaderChangeMessage {
    /// `int16`, versions 0-1.
    pub version: i16,
    /// `int32`, versions 0-1.
    pub leader_id: i32,
    /// `[]Voter`, versions 0-1.
    pub voters: Vec<Voter>,
    /// `[]Voter`, versions 0-1.
    pub granting_voters: Vec<Voter>,
}

impl Message for LeaderChangeMessage {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.version = d.i16()?;
        m.leader_id = d.i32()?;
        m.voters = d.structs(true, version)?;
        m.granting_voters = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.i16(self.version);
        e.i32(self.leader_id);
        e.structs(&self.voters, true, version);
        e.structs(&self.granting_voters, true, version);
        e.uvarint(0);
    }
}

/// Part of [`LeaderChangeMessage`], versions 0-1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Voter {
    /// `int32`, versions 0-1.
    pub voter_id: i32,
    /// `uuid`, versions 1.
    pub voter_directory_id: Uuid,
}

impl Message for Voter {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.voter_id = d.i32()?;
        if version >= 1 { m.voter_directory_id = d.uuid()?; }
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.i32(self.voter_id);
        if version >= 1 { e.uuid(self.voter_directory_id); }
        e.uvarint(0);
    }
}
