//! Properties of a message whose type is not known: for tests, fuzzing and tools.

use std::ops::RangeInclusive;

use bytes::Bytes;

use crate::{DecodeError, Decoder, EncodedFrame, Encoder, Message};

/// One message of the schemas.
#[derive(Clone, Debug)]
pub struct MessageInfo {
    pub name: &'static str,
    /// The API's key; for coordinator records their type.
    pub api_key: Option<i16>,
    pub versions: RangeInclusive<i16>,
    /// The first flexible version.
    pub flexible_from: i16,
    /// Decodes a body of the given version and encodes it again; gives the new bytes and how many
    /// were not read.
    pub recode: fn(Bytes, i16) -> Result<(EncodedFrame, usize), DecodeError>,
}

impl MessageInfo {
    pub(crate) const fn of<M: Message>(name: &'static str, api_key: Option<i16>) -> Self {
        Self {
            name,
            api_key,
            versions: M::VERSIONS,
            flexible_from: M::FLEXIBLE_FROM,
            recode: recode::<M>,
        }
    }
}

fn recode<M: Message>(body: Bytes, version: i16) -> Result<(EncodedFrame, usize), DecodeError> {
    let mut decoder = Decoder::new(body);
    let message = M::decode(&mut decoder, version)?;
    let mut encoder = Encoder::new();
    message.encode(&mut encoder, version);
    Ok((encoder.into_frame(), decoder.remaining()))
}
