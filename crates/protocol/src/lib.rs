//! Kafka's wire format: the messages of releases 2.8 to 4.3, framing, API keys, error codes, and
//! which API versions each release offers. Pure functions over bytes: no clock, no I/O, no tasks.
//!
//! - [`messages`] is generated from `schema/kafka-messages.json` (`cargo run -p milena-protocol
//!   --example generate`); a test fails when it is stale. A module per message, plain structs with
//!   public fields, raw integers. Compiled is what `schema/compiled.txt` names; the feature
//!   `all-messages` adds the rest.
//! - [`Decoder`] and [`Encoder`] are the two ends of the wire. Decoding never panics and never
//!   allocates more than [`Decoder`]'s budget, which follows from the bytes received. Strings and
//!   records are slices of the frame. Encoding gives a list of buffers, so that records are written
//!   to the socket without being copied.
//! - [`frame`] wraps messages into requests and responses; [`versions`] says what a cluster of some
//!   Kafka version advertises and accepts.
//!
//! Not here: record batches (they pass as bytes; `milena-records` reads them), and the meaning of
//! requests.

mod api_key;
mod decode;
mod encode;
mod error_code;
pub mod frame;
#[cfg(any(test, feature = "testing"))]
pub mod fuzzing;
#[rustfmt::skip] // Generated, in the generator's own layout.
pub mod messages;
mod records;
#[cfg(any(test, feature = "all-messages"))]
mod schema_info;
mod string;
#[cfg(test)]
mod tests;
pub mod versions;

use std::ops::RangeInclusive;

pub use api_key::{ApiKey, UnknownApiKey};
pub use decode::{DecodeError, Decoder};
pub use encode::{EncodedFrame, Encoder};
pub use error_code::ErrorCode;
pub use records::Records;
#[cfg(any(test, feature = "all-messages"))]
pub use schema_info::MessageInfo;
pub use string::KString;
pub use uuid::Uuid;
pub use versions::KafkaVersion;

/// One struct of a schema: a whole message, or a struct nested in one.
pub trait Message: Sized + Default {
    /// The versions that the schema of the message (for a nested struct: of the one around it)
    /// knows.
    const VERSIONS: RangeInclusive<i16>;
    /// The first flexible version (KIP-482: compact lengths and tagged fields); above
    /// [`Self::VERSIONS`] when none is.
    const FLEXIBLE_FROM: i16;

    /// Reads the struct as `version` has it. Fields that the version lacks get the schema's
    /// default, unknown tagged fields are skipped. Bytes after a message are the caller's
    /// business: see [`Decoder::finish`].
    fn decode(decoder: &mut Decoder, version: i16) -> Result<Self, DecodeError>;

    /// Writes the struct as `version` has it. Never fails: fields that the version lacks are left
    /// out, a null where the version allows none becomes the empty value, tagged fields at
    /// their default are not written.
    fn encode(&self, encoder: &mut Encoder, version: i16);
}

/// A request, with the API it belongs to and its response.
pub trait Request: Message {
    const KEY: ApiKey;
    /// Its response, in the same version.
    type Response: Message;
}

/// Encodes a stored record's key or value, or a blob such as a subscription: the version (or, for
/// keys of coordinator records, the record type) as two bytes, then the message.
pub fn encode_versioned<M: Message>(message: &M, prefix: i16, version: i16) -> bytes::Bytes {
    let mut encoder = Encoder::new();
    encoder.i16(prefix);
    message.encode(&mut encoder, version);
    encoder.into_bytes()
}

/// Decodes what [`encode_versioned`] wrote where the prefix is the message's version. A version
/// above those known is read as the highest known one: such formats only ever append fields.
pub fn decode_versioned<M: Message>(bytes: &bytes::Bytes) -> Result<(i16, M), DecodeError> {
    let mut decoder = Decoder::new(bytes.clone());
    let version = decoder.i16()?;
    let message = M::decode(&mut decoder, version.min(*M::VERSIONS.end()))?;
    Ok((version, message))
}
