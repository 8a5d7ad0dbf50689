// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `CreateDelegationTokenRequest`, versions 0-3.

use crate::{ApiKey, DecodeError, Decoder, Encoder, KString, Message, Request};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CreateDelegationTokenRequest {
    /// `string`, versions 3.
    pub owner_principal_type: Option<KString>,
    /// `string`, versions 3.
    pub owner_principal_name: Option<KString>,
    /// `[]CreatableRenewers`, versions 0-3.
    pub renewers: Vec<CreatableRenewers>,
    /// `int64`, versions 0-3.
    pub max_lifetime_ms: i64,
}

impl Message for CreateDelegationTokenRequest {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=3;
    const FLEXIBLE_FROM: i16 = 2;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        if version >= 3 { m.owner_principal_type = d.nullable_string(flexible)?; }
        if version >= 3 { m.owner_principal_name = d.nullable_string(flexible)?; }
        m.renewers = d.structs(flexible, version)?;
        m.max_lifetime_ms = d.i64()?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        if version >= 3 { e.nullable_string(self.owner_principal_type.as_ref(), flexible); }
        if version >= 3 { e.nullable_string(self.owner_principal_name.as_ref(), flexible); }
        e.structs(&self.renewers, flexible, version);
        e.i64(self.max_lifetime_ms);
        if flexible {
            e.uvarint(0);
        }
    }
}

impl Request for CreateDelegationTokenRequest {
    const KEY: ApiKey = ApiKey::CreateDelegationToken;
    type Response = super::create_delegation_token_response::CreateDelegationTokenResponse;
}

/// Part of [`CreateDelegationTokenRequest`], versions 0-3.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CreatableRenewers {
    /// `string`, versions 0-3.
    pub principal_type: KString,
    /// `string`, versions 0-3.
    pub principal_name: KString,
}

impl Message for CreatableRenewers {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=3;
    const FLEXIBLE_FROM: i16 = 2;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.principal_type = d.string(flexible)?;
        m.principal_name = d.string(flexible)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.string(&self.principal_type, flexible);
        e.string(&self.principal_name, flexible);
        if flexible {
            e.uvarint(0);
        }
    }
}
