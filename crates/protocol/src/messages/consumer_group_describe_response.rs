// Generated from schema/kafka-messages.json by `cargo run -p milena-protocol --example generate`.

//! `ConsumerGroupDescribeResponse`, versions 0-1.

use crate::{DecodeError, Decoder, Encoder, KString, Message, Uuid};

/// The message.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConsumerGroupDescribeResponse {
    /// `int32`, versions 0-1.
    pub throttle_time_ms: i32,
    /// `[]DescribedGroup`, versions 0-1.
    pub groups: Vec<DescribedGroup>,
}

impl Message for ConsumerGroupDescribeResponse {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        d.check_version::<Self>(version)?;
        let mut m = Self::default();
        m.throttle_time_ms = d.i32()?;
        m.groups = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.i32(self.throttle_time_ms);
        e.structs(&self.groups, true, version);
        e.uvarint(0);
    }
}

/// Part of [`ConsumerGroupDescribeResponse`], versions 0-1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicPartitions {
    /// `uuid`, versions 0-1.
    pub topic_id: Uuid,
    /// `string`, versions 0-1.
    pub topic_name: KString,
    /// `[]int32`, versions 0-1.
    pub partitions: Vec<i32>,
}

impl Message for TopicPartitions {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, _version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.topic_id = d.uuid()?;
        m.topic_name = d.string(true)?;
        m.partitions = d.array(true)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, _version: i16) {
        e.uuid(self.topic_id);
        e.string(&self.topic_name, true);
        e.array(&self.partitions, true);
        e.uvarint(0);
    }
}

/// Part of [`ConsumerGroupDescribeResponse`], versions 0-1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Assignment {
    /// `[]TopicPartitions`, versions 0-1.
    pub topic_partitions: Vec<TopicPartitions>,
}

impl Message for Assignment {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.topic_partitions = d.structs(true, version)?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.structs(&self.topic_partitions, true, version);
        e.uvarint(0);
    }
}

/// Part of [`ConsumerGroupDescribeResponse`], versions 0-1.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// `string`, versions 0-1.
    pub member_id: KString,
    /// `string`, versions 0-1, default null.
    pub instance_id: Option<KString>,
    /// `string`, versions 0-1, default null.
    pub rack_id: Option<KString>,
    /// `int32`, versions 0-1.
    pub member_epoch: i32,
    /// `string`, versions 0-1.
    pub client_id: KString,
    /// `string`, versions 0-1.
    pub client_host: KString,
    /// `[]string`, versions 0-1.
    pub subscribed_topic_names: Vec<KString>,
    /// `string`, versions 0-1, default null.
    pub subscribed_topic_regex: Option<KString>,
    /// `Assignment`, versions 0-1.
    pub assignment: Assignment,
    /// `Assignment`, versions 0-1.
    pub target_assignment: Assignment,
    /// `int8`, versions 1, default -1.
    pub member_type: i8,
}

impl Default for Member {
    fn default() -> Self {
        Self {
            member_id: Default::default(),
            instance_id: Default::default(),
            rack_id: Default::default(),
            member_epoch: Default::default(),
            client_id: Default::default(),
            client_host: Default::default(),
            subscribed_topic_names: Default::default(),
            subscribed_topic_regex: Default::default(),
            assignment: Default::default(),
            target_assignment: Default::default(),
            member_type: -1,
        }
    }
}

impl Message for Member {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.member_id = d.string(true)?;
        m.instance_id = d.nullable_string(true)?;
        m.rack_id = d.nullable_string(true)?;
        m.member_epoch = d.i32()?;
        m.client_id = d.string(true)?;
        m.client_host = d.string(true)?;
        m.subscribed_topic_names = d.array(true)?;
        m.subscribed_topic_regex = d.nullable_string(true)?;
        m.assignment = Assignment::decode(d, version)?;
        m.target_assignment = Assignment::decode(d, version)?;
        if version >= 1 { m.member_type = d.i8()?; }
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.string(&self.member_id, true);
        e.nullable_string(self.instance_id.as_ref(), true);
        e.nullable_string(self.rack_id.as_ref(), true);
        e.i32(self.member_epoch);
        e.string(&self.client_id, true);
        e.string(&self.client_host, true);
        e.array(&self.subscribed_topic_names, true);
        e.nullable_string(self.subscribed_topic_regex.as_ref(), true);
        self.assignment.encode(e, version);
        self.target_assignment.encode(e, version);
        if version >= 1 { e.i8(self.member_type); }
        e.uvarint(0);
    }
}

/// Part of [`ConsumerGroupDescribeResponse`], versions 0-1.
#[derive(Clone, Debug, PartialEq)]
pub struct DescribedGroup {
    /// `int16`, versions 0-1.
    pub error_code: i16,
    /// `string`, versions 0-1, default null.
    pub error_message: Option<KString>,
    /// `string`, versions 0-1.
    pub group_id: KString,
    /// `string`, versions 0-1.
    pub group_state: KString,
    /// `int32`, versions 0-1.
    pub group_epoch: i32,
    /// `int32`, versions 0-1.
    pub assignment_epoch: i32,
    /// `string`, versions 0-1.
    pub assignor_name: KString,
    /// `[]Member`, versions 0-1.
    pub members: Vec<Member>,
    /// `int32`, versions 0-1, default -2147483648.
    pub authorized_operations: i32,
}

impl Default for DescribedGroup {
    fn default() -> Self {
        Self {
            error_code: Default::default(),
            error_message: Default::default(),
            group_id: Default::default(),
            group_state: Default::default(),
            group_epoch: Default::default(),
            assignment_epoch: Default::default(),
            assignor_name: Default::default(),
            members: Default::default(),
            authorized_operations: -2147483648,
        }
    }
}

impl Message for DescribedGroup {
    const VERSIONS: std::ops::RangeInclusive<i16> = 0..=1;
    const FLEXIBLE_FROM: i16 = 0;

    fn decode(d: &mut Decoder, version: i16) -> Result<Self, DecodeError> {
        let mut m = Self::default();
        m.error_code = d.i16()?;
        m.error_message = d.nullable_string(true)?;
        m.group_id = d.string(true)?;
        m.group_state = d.string(true)?;
        m.group_epoch = d.i32()?;
        m.assignment_epoch = d.i32()?;
        m.assignor_name = d.string(true)?;
        m.members = d.structs(true, version)?;
        m.authorized_operations = d.i32()?;
        d.skip_tags()?;
        Ok(m)
    }

    fn encode(&self, e: &mut Encoder, version: i16) {
        e.i16(self.error_code);
        e.nullable_string(self.error_message.as_ref(), true);
        e.string(&self.group_id, true);
        e.string(&self.group_state, true);
        e.i32(self.group_epoch);
        e.i32(self.assignment_epoch);
        e.string(&self.assignor_name, true);
        e.structs(&self.members, true, version);
        e.i32(self.authorized_operations);
        e.uvarint(0);
    }
}
