//! A record as it goes over the driver's lines: bytes are base64, null is null.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rdkafka::{
    Message,
    message::{BorrowedMessage, Header, Headers as _, OwnedHeaders},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

#[derive(Serialize, Deserialize)]
pub struct Record {
    pub partition: i32,
    pub key: Option<Bytes>,
    pub value: Option<Bytes>,
    pub headers: Vec<(String, Option<Bytes>)>,
    pub timestamp: i64,
    #[serde(default)]
    pub offset: i64,
}

pub struct Bytes(pub Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        STANDARD.decode(String::deserialize(deserializer)?).map(Bytes).map_err(D::Error::custom)
    }
}

impl From<&BorrowedMessage<'_>> for Record {
    fn from(message: &BorrowedMessage<'_>) -> Self {
        let bytes = |content: Option<&[u8]>| content.map(|c| Bytes(c.to_vec()));
        let headers = message.headers().into_iter().flat_map(|headers| headers.iter());
        Self {
            partition: message.partition(),
            key: bytes(message.key()),
            value: bytes(message.payload()),
            headers: headers.map(|h| (h.key.to_owned(), bytes(h.value))).collect(),
            timestamp: message.timestamp().to_millis().unwrap_or(-1),
            offset: message.offset(),
        }
    }
}

impl Record {
    pub fn owned_headers(&self) -> OwnedHeaders {
        self.headers.iter().fold(OwnedHeaders::new(), |headers, (key, value)| {
            headers.insert(Header { key, value: value.as_ref().map(|v| &v.0) })
        })
    }
}
