// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `AlterUserScramCredentialsRequest`, versions 0.

use bytes::Bytes;

use crate::{ApiKey, DecodeError, Decoder, Encoder, KString, Message, Request};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlterUserScramCredentialsRequest {
    /// `[]ScramCredentialDeletion`, versions 0.
    pub deletions: Vec<ScramCredentialDeletion>,
    /// `[]ScramCredentialUpsertion`, versions 0.
    pub upsertions: Vec<ScramCredentialUpsertion>,
}

impl Message for AlterUserScramCredentialsRequest {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.deletions = d.structs(true, version)?;
        m.upsertions = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.structs(&self.deletions, true, version);
        e.structs(&self.upsertions, true, version);
        e.uvarint(0);
    }
}

impl Request for AlterUserScramCredentialsRequest {
    const KEY: ApiKey = ApiKey::AlterUserScramCredentials;
    type Response = super::alter_user_scram_credentials_response::AlterUserScramCredentialsResponse;
}

/// Part of [`AlterUserScramCredentialsRequest`], versions 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScramCredentialDeletion {
    /// `string`, versions 0.
    pub name: KString,
    /// `int8`, versions 0.
    pub mechanism: i8,
}

impl Message for ScramCredentialDeletion {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.name = d.string(true)?;
        m.mechanism = d.i8()?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.string(&self.name, true);
        e.i8(self.mechanism);
        e.uvarint(0);
    }
}

/// Part of [`AlterUserScramCredentialsRequest`], versions 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScramCredentialUpsertion {
    /// `string`, versions 0.
    pub name: KString,
    /// `int8`, versions 0.
    pub mechanism: i8,
    /// `int32`, versions 0.
    pub iterations: i32,
    /// `bytes`, versions 0.
    pub salt: Bytes,
    /// `bytes`, versions 0.
    pub salted_password: Bytes,
}

impl Message for ScramCredentialUpsertion {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.name = d.string(true)?;
        m.mechanism = d.i8()?;
        m.iterations = d.i32()?;
        m.salt = d.bytes(true)?;
        m.salted_password = d.bytes(true)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.string(&self.name, true);
        e.i8(self.mechanism);
        e.i32(self.iterations);
        e.bytes(&self.salt, true);
        e.bytes(&self.salted_password, true);
        e.uvarint(0);
    }
}
