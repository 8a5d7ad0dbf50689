// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `DescribeUserScramCredentialsResponse`, versions 0.

use crate::{DecodeError, Decoder, Encoder, KString, Message};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeUserScramCredentialsResponse {
    /// `int32`, versions 0.
    pub throttle_time_ms: i32,
    /// `int16`, versions 0.
    pub error_code: i16,
    /// `string`, versions 0.
    pub error_message: Option<KString>,
    /// `[]DescribeUserScramCredentialsResult`, versions 0.
    pub results: Vec<DescribeUserScramCredentialsResult>,
}

impl Message for DescribeUserScramCredentialsResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.throttle_time_ms = d.i32()?;
        m.error_code = d.i16()?;
        m.error_message = d.nullable_string(true)?;
        m.results = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.i32(self.throttle_time_ms);
        e.i16(self.error_code);
        e.nullable_string(self.error_message.as_ref(), true);
        e.structs(&self.results, true, version);
        e.uvarint(0);
    }
}

/// Part of [`DescribeUserScramCredentialsResponse`], versions 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CredentialInfo {
    /// `int8`, versions 0.
    pub mechanism: i8,
    /// `int32`, versions 0.
    pub iterations: i32,
}

impl Message for CredentialInfo {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.mechanism = d.i8()?;
        m.iterations = d.i32()?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.i8(self.mechanism);
        e.i32(self.iterations);
        e.uvarint(0);
    }
}

/// Part of [`DescribeUserScramCredentialsResponse`], versions 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DescribeUserScramCredentialsResult {
    /// `string`, versions 0.
    pub user: KString,
    /// `int16`, versions 0.
    pub error_code: i16,
    /// `string`, versions 0.
    pub error_message: Option<KString>,
    /// `[]CredentialInfo`, versions 0.
    pub credential_infos: Vec<CredentialInfo>,
}

impl Message for DescribeUserScramCredentialsResult {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.user = d.string(true)?;
        m.error_code = d.i16()?;
        m.error_message = d.nullable_string(true)?;
        m.credential_infos = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.string(&self.user, true);
        e.i16(self.error_code);
        e.nullable_string(self.error_message.as_ref(), true);
        e.structs(&self.credential_infos, true, version);
        e.uvarint(0);
    }
}
