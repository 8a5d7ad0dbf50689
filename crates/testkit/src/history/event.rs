//! The events a client recorded, and the violations they can show.

use std::collections::BTreeMap;

use serde::Deserialize;

/// One line of a client's history.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// The client handed a record to its producer. `id` rises by partition and client.
    Sent {
        /// The producing client; unique for each idempotent producer.
        client: String,
        /// The partition it was sent to.
        partition: i32,
        /// The number of the record, rising.
        id: u64,
    },
    /// The cluster acknowledged a record.
    Acked {
        /// The producing client.
        client: String,
        /// The partition.
        partition: i32,
        /// The number of the record.
        id: u64,
        /// The offset that the acknowledgement named.
        offset: i64,
    },
    /// A consumer received a record. Reads of the final, complete pass carry `last`.
    Read {
        /// The partition.
        partition: i32,
        /// Its offset.
        offset: i64,
        /// The client that produced it.
        client: String,
        /// The number that its producer gave it.
        id: u64,
        /// Whether this belongs to the complete read at the end of the run.
        #[serde(default)]
        last: bool,
    },
    /// The cluster acknowledged an offset commit.
    Committed {
        /// The group.
        group: String,
        /// The partition.
        partition: i32,
        /// The committed offset.
        offset: i64,
    },
    /// The cluster returned the offset a group had committed; -1 when none.
    Resumed {
        /// The group.
        group: String,
        /// The partition.
        partition: i32,
        /// The offset found.
        offset: i64,
        /// The number of the call, where there is an [`Event::Asked`] of it.
        #[serde(default)]
        call: Option<u64>,
    },
    /// A client sent a request whose response is compared with what was known before.
    Asked {
        /// The number of the call, each once in a history.
        call: u64,
    },
    /// The cluster returned a partition's bounds.
    Bounds {
        /// The number of the call.
        call: u64,
        /// The partition.
        partition: i32,
        /// Its first offset, if the response has it.
        log_start: Option<i64>,
        /// Its high watermark, if the response has it.
        high_watermark: Option<i64>,
    },
    /// The cluster refused, for good, a record of an idempotent producer whose records before were
    /// acknowledged.
    Refused {
        /// The producing client.
        client: String,
        /// The partition.
        partition: i32,
        /// The number of the record.
        id: u64,
        /// The cluster's error.
        error: String,
    },
    /// From here on nothing is promised of a partition: its topic is deleted, or the loss of records
    /// is accepted. What a topic of the same name has later is another partition.
    Ended {
        /// The partition.
        partition: i32,
    },
}

impl Event {
    /// The partition that something is said of which the end of promises puts an end to.
    pub(super) fn promised_of(&self) -> Option<i32> {
        match self {
            Self::Acked { partition, .. }
            | Self::Read { partition, .. }
            | Self::Committed { partition, .. }
            | Self::Resumed { partition, .. }
            | Self::Bounds { partition, .. }
            | Self::Refused { partition, .. } => Some(*partition),
            Self::Sent { .. } | Self::Asked { .. } | Self::Ended { .. } => None,
        }
    }
}

/// A promise that was broken, with what shows it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// Promise 1.
    #[error(
        "lost: {client} was acknowledged record {id} at {partition}:{offset}, and it is not there"
    )]
    Lost {
        /// The producing client.
        client: String,
        /// The number of the record.
        id: u64,
        /// The partition.
        partition: i32,
        /// The acknowledged offset.
        offset: i64,
    },
    /// Promise 2, values.
    #[error("changed: {partition}:{offset} was {before}, and then {after}")]
    Changed {
        /// The partition.
        partition: i32,
        /// The offset.
        offset: i64,
        /// The earlier value.
        before: String,
        /// The later value.
        after: String,
    },
    /// Promise 2, density.
    #[error("gap: partition {partition} has no record at offset {offset}, but later ones")]
    Gap {
        /// The partition.
        partition: i32,
        /// The first missing offset.
        offset: i64,
    },
    /// Promise 3.
    #[error("duplicated: record {id} of {client} stands in partition {partition} at {offsets:?}")]
    Duplicated {
        /// The producing client.
        client: String,
        /// The number of the record.
        id: u64,
        /// The partition.
        partition: i32,
        /// Where it stands.
        offsets: Vec<i64>,
    },
    /// Promise 4.
    #[error(
        "reordered: in partition {partition} record {later} of {client} stands before {earlier}"
    )]
    Reordered {
        /// The producing client.
        client: String,
        /// The partition.
        partition: i32,
        /// The record that was sent first.
        earlier: u64,
        /// The record that stands first.
        later: u64,
    },
    /// Promise 5.
    #[error("invented: {partition}:{offset} is record {id} of {client}, which was never sent")]
    Invented {
        /// The client named in the record.
        client: String,
        /// The number in the record.
        id: u64,
        /// The partition.
        partition: i32,
        /// The offset.
        offset: i64,
    },
    /// Promise 6.
    #[error(
        "commit went back: {group} had committed {committed} in partition {partition}, then \
         {found} was found"
    )]
    CommitWentBack {
        /// The group.
        group: String,
        /// The partition.
        partition: i32,
        /// The acknowledged commit.
        committed: i64,
        /// The offset in the later response.
        found: i64,
    },
    /// Promise 7.
    #[error(
        "acknowledged twice: record {id} of {client} in partition {partition} at {first}, and then \
         at {second}"
    )]
    AckedTwice {
        /// The producing client.
        client: String,
        /// The number of the record.
        id: u64,
        /// The partition.
        partition: i32,
        /// The offset acknowledged first.
        first: i64,
        /// The offset that a retry got.
        second: i64,
    },
    /// Promise 7, refusals.
    #[error(
        "refused: record {id} of {client} in partition {partition}, whose producer was in order: \
         {error}"
    )]
    Refused {
        /// The producing client.
        client: String,
        /// The number of the record.
        id: u64,
        /// The partition.
        partition: i32,
        /// The cluster's error.
        error: String,
    },
    /// Promise 8.
    #[error(
        "went back: the {what} of partition {partition} was {before} when asked for, and {after} \
         was answered"
    )]
    WentBack {
        /// The bound that went back.
        what: &'static str,
        /// The partition.
        partition: i32,
        /// The value known before the request.
        before: i64,
        /// The value in the response.
        after: i64,
    },
    /// Promise 8, values.
    #[error(
        "vanished: {partition}:{offset} was read as record {id} of {client}, and is not there at \
         the end"
    )]
    Vanished {
        /// The partition.
        partition: i32,
        /// The offset.
        offset: i64,
        /// The producing client.
        client: String,
        /// The number of the record.
        id: u64,
    },
}

impl Violation {
    /// The name of its kind, for lists.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Lost { .. } => "lost",
            Self::Changed { .. } => "changed",
            Self::Gap { .. } => "gap",
            Self::Duplicated { .. } => "duplicated",
            Self::Reordered { .. } => "reordered",
            Self::Invented { .. } => "invented",
            Self::CommitWentBack { .. } => "commit-went-back",
            Self::AckedTwice { .. } => "acked-twice",
            Self::Refused { .. } => "refused",
            Self::WentBack { .. } => "went-back",
            Self::Vanished { .. } => "vanished",
        }
    }
}

/// The complete read at the end: partition → offset → (client, id).
pub(super) type Log = BTreeMap<i32, BTreeMap<i64, (String, u64)>>;
