// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `UpdateRaftVoterRequest`, versions 0.

use crate::{ApiKey, DecodeError, Decoder, Encoder, KString, Message, Request, Uuid};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UpdateRaftVoterRequest {
    /// `string`, versions 0.
    pub cluster_id: Option<KString>,
    /// `int32`, versions 0.
    pub current_leader_epoch: i32,
    /// `int32`, versions 0.
    pub voter_id: i32,
    /// `uuid`, versions 0.
    pub voter_directory_id: Uuid,
    /// `[]Listener`, versions 0.
    pub listeners: Vec<Listener>,
    /// `KRaftVersionFeature`, versions 0.
    pub k_raft_version_feature: KRaftVersionFeature,
}

impl Message for UpdateRaftVoterRequest {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.cluster_id = d.nullable_string(true)?;
        m.current_leader_epoch = d.i32()?;
        m.voter_id = d.i32()?;
        m.voter_directory_id = d.uuid()?;
        m.listeners = d.structs(true, version)?;
        m.k_raft_version_feature = KRaftVersionFeature::decode(d, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.nullable_string(self.cluster_id.as_ref(), true);
        e.i32(self.current_leader_epoch);
        e.i32(self.voter_id);
        e.uuid(self.voter_directory_id);
        e.structs(&self.listeners, true, version);
        self.k_raft_version_feature.encode(e, version);
        e.uvarint(0);
    }
}

impl Request for UpdateRaftVoterRequest {
    const KEY: ApiKey = ApiKey::UpdateRaftVoter;
    type Response = super::update_raft_voter_response::UpdateRaftVoterResponse;
}

/// Part of [`UpdateRaftVoterRequest`], versions 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listener {
    /// `string`, versions 0.
    pub name: KString,
    /// `string`, versions 0.
    pub host: KString,
    /// `uint16`, versions 0.
    pub port: u16,
}

impl Message for Listener {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
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

/// Part of [`UpdateRaftVoterRequest`], versions 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KRaftVersionFeature {
    /// `int16`, versions 0.
    pub min_supported_version: i16,
    /// `int16`, versions 0.
    pub max_supported_version: i16,
}

impl Message for KRaftVersionFeature {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.min_supported_version = d.i16()?;
        m.max_supported_version = d.i16()?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.i16(self.min_supported_version);
        e.i16(self.max_supported_version);
        e.uvarint(0);
    }
}
