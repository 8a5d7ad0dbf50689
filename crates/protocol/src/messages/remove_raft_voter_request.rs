// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `RemoveRaftVoterRequest`, versions 0.

use crate::{ApiKey, DecodeError, Decoder, Encoder, KString, Message, Request, Uuid};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RemoveRaftVoterRequest {
    /// `string`, versions 0.
    pub cluster_id: Option<KString>,
    /// `int32`, versions 0.
    pub voter_id: i32,
    /// `uuid`, versions 0.
    pub voter_directory_id: Uuid,
}

impl Message for RemoveRaftVoterRequest {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.cluster_id = d.nullable_string(true)?;
        m.voter_id = d.i32()?;
        m.voter_directory_id = d.uuid()?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.nullable_string(self.cluster_id.as_ref(), true);
        e.i32(self.voter_id);
        e.uuid(self.voter_directory_id);
        e.uvarint(0);
    }
}

impl Request for RemoveRaftVoterRequest {
    const KEY: ApiKey = ApiKey::RemoveRaftVoter;
    type Response = super::remove_raft_voter_response::RemoveRaftVoterResponse;
}
