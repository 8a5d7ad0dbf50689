// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `ApiVersionsRequest`, versions 0-4.

use crate::{ApiKey, DecodeError, Decoder, Encoder, KString, Message, Request};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ApiVersionsRequest {
    /// `string`, versions 3-4.
    pub client_software_name: KString,
    /// `string`, versions 3-4.
    pub client_software_version: KString,
}

impl Message for ApiVersionsRequest {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=4;
    const FLEXIBLE_FROM: i16 = 3;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        if version >= 3 { m.client_software_name = d.string(flexible)?; }
        if version >= 3 { m.client_software_version = d.string(flexible)?; }
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        if version >= 3 { e.string(&self.client_software_name, flexible); }
        if version >= 3 { e.string(&self.client_software_version, flexible); }
        if flexible {
            e.uvarint(0);
        }
    }
}

impl Request for ApiVersionsRequest {
    const KEY: ApiKey = ApiKey::ApiVersions;
    type Response = super::api_versions_response::ApiVersionsResponse;
}
