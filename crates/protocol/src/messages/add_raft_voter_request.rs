// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `AddRaftVoterRequest`, versions 0-1.

use crate::{ApiKey, DecodeError, Decoder, Encoder, KString, Message, Request, Uuid};

/// The message.
#[derive(Clone, Debug, PartialEq)]
pub struct AddRaftVoterRequest {
    /// `string`, versions 0-1.
    pub cluster_id: Option<KString>,
    /// `int32`, versions 0-1.
    pub timeout_ms: i32,
    /// `int32`, versions 0-1.
    pub voter_id: i32,
    /// `uuid`, versions 0-1.
    pub voter_directory_id: Uuid,
    /// `[]Listener`, versions 0-1.
    pub listeners: Vec<Listener>,
    /// `bool`, versions 1, default true.
    pub ack_when_committed: bool,
}

impl Default for AddRaftVoterRequest {
    fn default() -> Self {
        Self {
            cluster_id: Default::default(),
            timeout_ms: Default::default(),
            voter_id: Default::default(),
            voter_directory_id: Default::default(),
            listeners: Default::default(),
            ack_when_committed: true,
        }
    }
}

impl Message for AddRaftVoterRequest {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.cluster_id = d.nullable_string(true)?;
        m.timeout_ms = d.i32()?;
        m.voter_id = d.i32()?;
        m.voter_directory_id = d.uuid()?;
        m.listeners = d.structs(true, version)?;
        if version >= 1 { m.ack_when_committed = d.bool()?; }
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.nullable_string(self.cluster_id.as_ref(), true);
        e.i32(self.timeout_ms);
        e.i32(self.voter_id);
        e.uuid(self.voter_directory_id);
        e.structs(&self.listeners, true, version);
        if version >= 1 { e.bool(self.ack_when_committed); }
        e.uvarint(0);
    }
}

impl Request for AddRaftVoterRequest {
    const KEY: ApiKey = ApiKey::AddRaftVoter;
    type Response = super::add_raft_voter_response::AddRaftVoterResponse;
}

/// Part of [`AddRaftVoterRequest`], versions 0-1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listener {
    /// `string`, versions 0-1.
    pub name: KString,
    /// `string`, versions 0-1.
    pub host: KString,
    /// `uint16`, versions 0-1.
    pub port: u16,
}

impl Message for Listener {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.name = d.string(true)?;
        m.host = d.string(true)?;
        m.port = d.u16()?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.string(&self.name, true);
        e.string(&self.host, true);
        e.u16(self.port);
        e.uvarint(0);
    }
}
