// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `ShareGroupMemberMetadataValue`, versions 0.

use crate::{DecodeError, Decoder, Encoder, KString, Message};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShareGroupMemberMetadataValue {
    /// `string`, versions 0.
    pub rack_id: Option<KString>,
    /// `string`, versions 0.
    pub client_id: KString,
    /// `string`, versions 0.
    pub client_host: KString,
    /// `[]string`, versions 0.
    pub subscribed_topic_names: Vec<KString>,
}

impl Message for ShareGroupMemberMetadataValue {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=0;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.rack_id = d.nullable_string(true)?;
        m.client_id = d.string(true)?;
        m.client_host = d.string(true)?;
        m.subscribed_topic_names = d.array(true)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.nullable_string(self.rack_id.as_ref(), true);
        e.string(&self.client_id, true);
        e.string(&self.client_host, true);
        e.array(&self.subscribed_topic_names, true);
        e.uvarint(0);
    }
}
