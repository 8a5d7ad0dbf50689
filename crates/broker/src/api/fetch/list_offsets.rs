//! ListOffsets: the offset at a time, exact to the record.
//!
//! Special times: -1 the end for the isolation level, -2 the log start, -3 the record with the
//! largest timestamp, -4 the earliest offset kept on a broker's own disk and -5 the latest in
//! tiered storage. There are no tiers: -4 is the log start and -5 is none. "None" is offset -1,
//! time -1. The boundaries that version 0 lists are not those of Kafka's segments: they are the end
//! and the log start only.
//!
//! Errors: INVALID_REQUEST for a partition named more than once, UNKNOWN_TOPIC_OR_PARTITION,
//! NOT_LEADER_OR_FOLLOWER, FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH, UNSUPPORTED_VERSION for
//! special times the version does not have, REQUEST_TIMED_OUT where the search took too long,
//! UNSUPPORTED_FOR_MESSAGE_FORMAT for times where the topic asks for messages without them.

use milena_protocol::{
    ApiKey, ErrorCode,
    messages::{
        list_offsets_request::{ListOffsetsPartition, ListOffsetsRequest},
        list_offsets_response::{
            ListOffsetsPartitionResponse, ListOffsetsResponse, ListOffsetsTopicResponse,
        },
    },
};
use milena_records::legacy::MessageFormat;
use milena_storage::{Isolation, Partition};
use milena_types::{LeaderEpoch, Offset, Timestamp};

use super::apis::FetchApis;
use super::epochs::check_leader_epoch;
use crate::{
    access::{Operation, Resource},
    api::{
        definition::ApiDefinition,
        partition_entries::{
            NamesPartition, Repeated, TopicEntry, partition_entries, with_leaders,
        },
    },
    context::RequestContext,
    entry_turns::EntryTurns,
    errors::ToErrorCode,
    leadership::partitions::LeaderPartition,
};

pub(crate) const API: ApiDefinition = ApiDefinition {
    notes: &[
        (
            1,
            "one offset; before, at most the requested number, newest first, all at or before the \
             time (KIP-79)",
        ),
        (2, "the isolation level (KIP-98)"),
        (4, "leader epochs (KIP-320)"),
        (7, "the largest timestamp (KIP-734)"),
        (8, "the earliest local offset (KIP-405)"),
        (9, "the latest tiered offset (KIP-1005)"),
    ],
    computes: true,
    ..ApiDefinition::new(ApiKey::ListOffsets, 0..=11)
};

const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
const MAX_TIMESTAMP: i64 = -3;
const EARLIEST_LOCAL: i64 = -4;
const LATEST_TIERED: i64 = -5;
/// The first version with leader epochs.
const FIRST_VERSION_WITH_EPOCHS: i16 = 4;

/// An offset that a response lists.
struct ListedOffset {
    offset: i64,
    timestamp: i64,
    leader_epoch: LeaderEpoch,
}

impl ListedOffset {
    const NONE: Self = Self { offset: -1, timestamp: -1, leader_epoch: LeaderEpoch::NONE };

    fn at(offset: Offset, partition: &Partition) -> Self {
        let leader_epoch = partition.epoch_at(offset).unwrap_or_else(|| partition.leader_epoch());
        Self { offset: offset.raw(), timestamp: -1, leader_epoch }
    }
}

pub(crate) async fn handle(
    context: &RequestContext,
    apis: &FetchApis,
    request: ListOffsetsRequest,
) -> ListOffsetsResponse {
    let version = context.api_version;
    let isolation = isolation(request.isolation_level);
    let named = request.topics.iter().map(|topic| {
        let allowed = context.allows(Operation::Describe, Resource::Topic(&topic.name));
        let refused = (!allowed).then_some(ErrorCode::TopicAuthorizationFailed);
        TopicEntry { name: &topic.name, partitions: &topic.partitions, refused }
    });
    let entries = partition_entries(named, Repeated::IsRefused).await;
    let entries = with_leaders(context, &apis.leaders, entries).await;
    let mut turns = EntryTurns::default();
    let mut topics: Vec<ListOffsetsTopicResponse> = Vec::with_capacity(request.topics.len());
    for (entry, led) in entries {
        turns.next().await;
        let search = async {
            match led? {
                led if version == 0 => {
                    let offsets = boundaries(&led, entry.requested).await?;
                    Ok((ListedOffset::NONE, offsets))
                }
                led => {
                    let found = find(version, &led, entry.requested, isolation).await?;
                    Ok((found, Vec::new()))
                }
            }
        };
        let found = tokio::select! {
            biased;
            found = search => found,
            () = context.ended() => Err(ErrorCode::RequestTimedOut),
        };
        let (found, offsets) = match found {
            Ok((found, offsets)) => (Ok(found), offsets),
            Err(error) => (Err(error), Vec::new()),
        };
        let response = partition_response(version, entry.requested, found, offsets);
        match topics.last_mut() {
            Some(topic) if topic.name == *entry.topic => topic.partitions.push(response),
            _ => topics.push(ListOffsetsTopicResponse {
                name: entry.topic.clone(),
                partitions: vec![response],
            }),
        }
    }
    ListOffsetsResponse { throttle_time_ms: 0, topics }
}

impl NamesPartition for ListOffsetsPartition {
    fn partition(&self) -> i32 {
        self.partition_index
    }
}

/// The isolation level of a request (KIP-98): any value but 1 reads all records that are committed
/// to the log.
pub(crate) fn isolation(level: i8) -> Isolation {
    if level == 1 { Isolation::Committed } else { Isolation::Uncommitted }
}

async fn find(
    version: i16,
    led: &LeaderPartition,
    requested: &ListOffsetsPartition,
    isolation: Isolation,
) -> Result<ListedOffset, ErrorCode> {
    let partition = &led.partition;
    check_leader_epoch(partition, requested.current_leader_epoch)?;
    let bounds = partition.bounds();
    let found = match requested.timestamp {
        LATEST => {
            // The epoch is that of the records to come, so that a client notices when they are from
            // another leader.
            let offset = bounds.end(isolation).raw();
            ListedOffset { offset, timestamp: -1, leader_epoch: partition.leader_epoch() }
        }
        EARLIEST => ListedOffset::at(bounds.log_start, partition),
        MAX_TIMESTAMP if version >= 7 => {
            let largest = partition.max_timestamp(isolation).await.map_err(|e| logged_code(&e))?;
            largest.map_or(ListedOffset::NONE, |found| ListedOffset {
                offset: found.offset.raw(),
                timestamp: found.timestamp.raw(),
                leader_epoch: found.leader_epoch,
            })
        }
        EARLIEST_LOCAL if version >= 8 => ListedOffset::at(bounds.log_start, partition),
        LATEST_TIERED if version >= 9 => ListedOffset::NONE,
        special if special < 0 => return Err(ErrorCode::UnsupportedVersion),
        // The topic's records have none (`message.format.version` before 0.10).
        _ if led.config.message_format_version == Some(MessageFormat::Magic0) => {
            return Err(ErrorCode::UnsupportedForMessageFormat);
        }
        time => {
            let found = partition
                .offset_for_timestamp(Timestamp(time), isolation)
                .await
                .map_err(|e| logged_code(&e))?;
            found.map_or(ListedOffset::NONE, |found| ListedOffset {
                offset: found.offset.raw(),
                timestamp: found.timestamp.raw(),
                leader_epoch: found.leader_epoch,
            })
        }
    };
    Ok(found)
}

/// Version 0: boundaries at or before a time, newest first. Here the boundaries are the log's two
/// ends.
async fn boundaries(
    led: &LeaderPartition,
    requested: &ListOffsetsPartition,
) -> Result<Vec<i64>, ErrorCode> {
    let partition = &led.partition;
    let bounds = partition.bounds();
    let (start, end) = (bounds.log_start.raw(), bounds.high_watermark.raw());
    let mut offsets = match requested.timestamp {
        LATEST => vec![end, start],
        EARLIEST => vec![start],
        time => {
            let isolation = Isolation::Uncommitted;
            let found = partition
                .offset_for_timestamp(Timestamp(time), isolation)
                .await
                .map_err(|e| logged_code(&e))?;
            match found {
                None => vec![end, start],
                Some(found) if found.offset > bounds.log_start => vec![start],
                Some(_) => Vec::new(),
            }
        }
    };
    offsets.dedup();
    offsets.truncate(usize::try_from(requested.max_num_offsets).unwrap_or(0));
    Ok(offsets)
}

fn logged_code(error: &milena_storage::ReadError) -> ErrorCode {
    tracing::warn!(%error, "looking for an offset by time failed");
    error.error_code()
}

fn partition_response(
    version: i16,
    requested: &ListOffsetsPartition,
    found: Result<ListedOffset, ErrorCode>,
    boundaries: Vec<i64>,
) -> ListOffsetsPartitionResponse {
    let (error, found) = match found {
        Ok(found) => (ErrorCode::None, found),
        Err(error) => (error, ListedOffset::NONE),
    };
    let mut response = ListOffsetsPartitionResponse {
        partition_index: requested.partition_index,
        error_code: error.code(),
        timestamp: found.timestamp,
        offset: found.offset,
        leader_epoch: found.leader_epoch.raw(),
        old_style_offsets: boundaries,
    };
    if version < FIRST_VERSION_WITH_EPOCHS {
        response.leader_epoch = LeaderEpoch::NONE.raw();
    }
    response
}
