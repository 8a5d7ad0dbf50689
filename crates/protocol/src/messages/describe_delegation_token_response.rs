// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `DescribeDelegationTokenResponse`, versions 0-3.

use bytes::Bytes;

use crate::{DecodeError, Decoder, Encoder, KString, Message};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeDelegationTokenResponse {
    /// `int16`, versions 0-3.
    pub error_code: i16,
    /// `[]DescribedDelegationToken`, versions 0-3.
    pub tokens: Vec<DescribedDelegationToken>,
    /// `int32`, versions 0-3.
    pub throttle_time_ms: i32,
}

impl Message for DescribeDelegationTokenResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=3;
    const FLEXIBLE_FROM: i16 = 2;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.error_code = d.i16()?;
        m.tokens = d.structs(flexible, version)?;
        m.throttle_time_ms = d.i32()?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.i16(self.error_code);
        e.structs(&self.tokens, flexible, version);
        e.i32(self.throttle_time_ms);
        if flexible {
            e.uvarint(0);
        }
    }
}

/// Part of [`DescribeDelegationTokenResponse`], versions 0-3.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribedDelegationTokenRenewer {
    /// `string`, versions 0-3.
    pub principal_type: KString,
    /// `string`, versions 0-3.
    pub principal_name: KString,
}

impl Message for DescribedDelegationTokenRenewer {
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

/// Part of [`DescribeDelegationTokenResponse`], versions 0-3.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribedDelegationToken {
    /// `string`, versions 0-3.
    pub principal_type: KString,
    /// `string`, versions 0-3.
    pub principal_name: KString,
    /// `string`, versions 3.
    pub token_requester_principal_type: KString,
    /// `string`, versions 3.
    pub token_requester_principal_name: KString,
    /// `int64`, versions 0-3.
    pub issue_timestamp: i64,
    /// `int64`, versions 0-3.
    pub expiry_timestamp: i64,
    /// `int64`, versions 0-3.
    pub max_timestamp: i64,
    /// `string`, versions 0-3.
    pub token_id: KString,
    /// `bytes`, versions 0-3.
    pub hmac: Bytes,
    /// `[]DescribedDelegationTokenRenewer`, versions 0-3.
    pub renewers: Vec<DescribedDelegationTokenRenewer>,
}

impl Message for DescribedDelegationToken {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=3;
    const FLEXIBLE_FROM: i16 = 2;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let flexible = version >= Self::FLEXIBLE_FROM;
        let mut m = Self::default();
        m.principal_type = d.string(flexible)?;
        m.principal_name = d.string(flexible)?;
        if version >= 3 { m.token_requester_principal_type = d.string(flexible)?; }
        if version >= 3 { m.token_requester_principal_name = d.string(flexible)?; }
        m.issue_timestamp = d.i64()?;
        m.expiry_timestamp = d.i64()?;
        m.max_timestamp = d.i64()?;
        m.token_id = d.string(flexible)?;
        m.hmac = d.bytes(flexible)?;
        m.renewers = d.structs(flexible, version)?;
        if flexible {
            d.skip_tags()?;
        }
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        let flexible = version >= Self::FLEXIBLE_FROM;
        e.string(&self.principal_type, flexible);
        e.string(&self.principal_name, flexible);
        if version >= 3 { e.string(&self.token_requester_principal_type, flexible); }
        if version >= 3 { e.string(&self.token_requester_principal_name, flexible); }
        e.i64(self.issue_timestamp);
        e.i64(self.expiry_timestamp);
        e.i64(self.max_timestamp);
        e.string(&self.token_id, flexible);
        e.bytes(&self.hmac, flexible);
        e.structs(&self.renewers, flexible, version);
        if flexible {
            e.uvarint(0);
        }
    }
}
