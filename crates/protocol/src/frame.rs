//! Requests and responses as frames: four bytes of length, a header, a body.
//!
//! A frame that cannot be read ends its connection: nothing after it can be trusted. An unsupported
//! version is not an error here; the response is the broker's decision (ApiVersions gets one,
//! anything else closes).

use bytes::Bytes;

use crate::{
    ApiKey, DecodeError, Decoder, EncodedFrame, Encoder, KString, Message, Request, UnknownApiKey,
};

/// Kafka's default for `socket.request.max.bytes`.
pub const MAX_FRAME_BYTES: usize = 100 << 20;

/// Why a frame is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// A length that is negative or above the limit.
    #[error(
        "frame of {length} bytes is not between 0 and {max}; send less in one request, or check \
         that the peer speaks kafka's protocol without tls"
    )]
    Length {
        length: i32,
        /// The limit in bytes.
        max: usize,
    },
    /// An API that no release has.
    #[error(transparent)]
    UnknownApi(#[from] UnknownApiKey),
    /// The header or the body cannot be read.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

/// A message that no frame can hold: a frame's length is a signed 32-bit number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a message of {bytes} bytes does not fit into a frame; ask for less at once")]
pub struct FrameTooLarge {
    pub bytes: usize,
}

/// The header of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestHeader {
    pub key: ApiKey,
    /// The version of it; may be one that is not known.
    pub version: i16,
    /// Chosen by the client, and repeated in the response.
    pub correlation_id: i32,
    /// The client's own name for itself. May be null or empty.
    pub client_id: Option<KString>,
}

/// The length in a frame's first four bytes.
pub fn frame_length(prefix: [u8; 4], max: usize) -> Result<usize, FrameError> {
    let length = i32::from_be_bytes(prefix);
    usize::try_from(length).ok().filter(|n| *n <= max).ok_or(FrameError::Length { length, max })
}

/// Reads the header of a request (a frame without its length) and leaves the decoder at the body.
pub fn decode_request(frame: Bytes) -> Result<(RequestHeader, Decoder), FrameError> {
    let mut d = Decoder::new(frame);
    let key = ApiKey::try_from(d.i16()?)?;
    let version = d.i16()?;
    let correlation_id = d.i32()?;
    let header_version = key.request_header_version(version);
    // The client id keeps its two-byte length even in flexible headers.
    let client_id = if header_version >= 1 { d.nullable_string(false)? } else { None };
    if header_version >= 2 {
        d.skip_tags()?;
    }
    Ok((RequestHeader { key, version, correlation_id, client_id }, d))
}

/// A request as a whole frame, length included.
///
/// # Panics
/// If it is too large for a frame: its maker bounds it, far below.
pub fn encode_request<R: Request>(
    request: &R,
    version: i16,
    correlation_id: i32,
    client_id: Option<&KString>,
) -> EncodedFrame {
    let mut e = Encoder::new();
    e.i32(0);
    e.i16(R::KEY.code());
    e.i16(version);
    e.i32(correlation_id);
    let header_version = R::KEY.request_header_version(version);
    if header_version >= 1 {
        e.nullable_string(client_id, false);
    }
    if header_version >= 2 {
        e.uvarint(0);
    }
    request.encode(&mut e, version);
    e.patch_length().expect("a request is smaller than a frame may be");
    e.into_frame()
}

/// A response as a whole frame, length included. Records in it are not copied.
pub fn encode_response<M: Message>(
    key: ApiKey,
    version: i16,
    correlation_id: i32,
    response: &M,
) -> Result<EncodedFrame, FrameTooLarge> {
    let mut e = Encoder::new();
    e.i32(0);
    e.i32(correlation_id);
    if key.response_header_version(version) >= 1 {
        e.uvarint(0);
    }
    response.encode(&mut e, version);
    e.patch_length().map_err(|bytes| FrameTooLarge { bytes })?;
    Ok(e.into_frame())
}

/// Reads the correlation id of a response (a frame without its length). [`decode_response`] reads
/// the rest.
pub fn correlation_id(frame: &Bytes) -> Result<i32, FrameError> {
    Ok(Decoder::new(frame.clone()).i32()?)
}

/// Reads a response (a frame without its length) to a request of the given version.
pub fn decode_response<R: Request>(frame: Bytes, version: i16) -> Result<R::Response, FrameError> {
    let mut d = Decoder::new(frame);
    d.i32()?;
    if R::KEY.response_header_version(version) >= 1 {
        d.skip_tags()?;
    }
    Ok(R::Response::decode(&mut d, version)?)
}
