// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `ListConfigResourcesRequest`, versions 0-1.

use crate::{ApiKey, DecodeError, Decoder, Encoder, Message, Request};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListConfigResourcesRequest {
    /// `[]int8`, versions 1.
    pub resource_types: Vec<i8>,
}

impl Message for ListConfigResourcesRequest {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        if version >= 1 { m.resource_types = d.array(true)?; }
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        if version >= 1 { e.array(&self.resource_types, true); }
        e.uvarint(0);
    }
}

impl Request for ListConfigResourcesRequest {
    const KEY: ApiKey = ApiKey::ListConfigResources;
    type Response = super::list_config_resources_response::ListConfigResourcesResponse;
}
