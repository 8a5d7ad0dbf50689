// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `ListGroupsRequest`, versions 0-5.

use crate::{ApiKey, DecodeError, Decoder, Encoder, KString, Message, Request};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListGroupsRequest {
    /// `[]string`, versions 4-5.
    pub states_filter: Vec<KString>,
    /// `[]string`, versions 5.
    pub types_filter: Vec<KString>,
}

impl Message for ListGroupsRequest {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=5;
    const FLEXIBLE_FROM: i16 = 3;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        if version >= 4 { m.states_filter = d.array(flexible)?; }
        if version >= 5 { m.types_filter = d.array(flexible)?; }
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        if version >= 4 { e.array(&self.states_filter, flexible); }
        if version >= 5 { e.array(&self.types_filter, flexible); }
        if flexible {
            e.uvarint(0);
        }
    }
}

impl Request for ListGroupsRequest {
    const KEY: ApiKey = ApiKey::ListGroups;
    type Response = super::list_groups_response::ListGroupsResponse;
}
