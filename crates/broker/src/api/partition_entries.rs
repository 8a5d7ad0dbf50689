//! The partitions that a request names, each once, and their leaders.

use std::collections::{HashMap, hash_map::Entry};

use milena_protocol::{ErrorCode, KString};
use milena_types::PartitionIndex;

use crate::{
    context::RequestContext,
    entry_turns::EntryTurns,
    leadership::{
        partitions::LeaderPartition,
        resolve::{LEADER_WAIT_MAX, LeaderResolver, PartitionRef},
    },
    topic_ref::TopicRef,
};

/// A topic of a request.
pub(crate) struct TopicEntry<'a, P> {
    pub(crate) name: &'a KString,
    pub(crate) partitions: &'a [P],
    /// The error of all its partitions.
    pub(crate) refused: Option<ErrorCode>,
}

/// A partition of a request.
pub(crate) struct PartitionEntry<'a, P> {
    pub(crate) topic: &'a KString,
    pub(crate) requested: &'a P,
    refused: Option<ErrorCode>,
}

/// How a request treats a partition that it names more than once.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeated {
    /// INVALID_REQUEST, unless its topic is refused.
    IsRefused,
    LastCounts,
}

/// A part of a request about one partition.
pub(crate) trait NamesPartition {
    fn partition(&self) -> i32;
}

/// The partitions in the order in which they are first named.
pub(crate) async fn partition_entries<'a, P: NamesPartition + 'a>(
    topics: impl Iterator<Item = TopicEntry<'a, P>>,
    repeated: Repeated,
) -> Vec<PartitionEntry<'a, P>> {
    let mut turns = EntryTurns::default();
    let mut entries: Vec<PartitionEntry<'_, P>> = Vec::new();
    let mut places = HashMap::new();
    for TopicEntry { name: topic, partitions, refused } in topics {
        for requested in partitions {
            turns.next().await;
            match places.entry((topic.as_str(), requested.partition())) {
                Entry::Vacant(place) => {
                    place.insert(entries.len());
                    entries.push(PartitionEntry { topic, requested, refused });
                }
                Entry::Occupied(place) => {
                    let first = &mut entries[*place.get()];
                    match repeated {
                        Repeated::LastCounts => first.requested = requested,
                        Repeated::IsRefused if refused.is_none() => {
                            first.refused = Some(ErrorCode::InvalidRequest);
                        }
                        Repeated::IsRefused => {}
                    }
                }
            }
        }
    }
    entries
}

/// Each of the entries with its leader. While some are between two leaders this waits once, for all
/// of them.
pub(crate) async fn with_leaders<'a, P: NamesPartition + 'a>(
    context: &RequestContext,
    leaders: &LeaderResolver,
    entries: Vec<PartitionEntry<'a, P>>,
) -> Vec<(PartitionEntry<'a, P>, Result<LeaderPartition, ErrorCode>)> {
    let wanted: Vec<PartitionRef<'_>> = entries
        .iter()
        .filter(|entry| entry.refused.is_none())
        .map(|entry| (TopicRef::Name(entry.topic), PartitionIndex(entry.requested.partition())))
        .collect();
    let wait_max = LEADER_WAIT_MAX.min(context.left());
    let mut found = leaders.find_each(&wanted, wait_max).await.into_iter();
    let with_leader = |entry: PartitionEntry<'a, P>| {
        let led = match entry.refused {
            Some(error) => Err(error),
            None => found.next().unwrap_or(Err(ErrorCode::UnknownServerError)),
        };
        (entry, led)
    };
    entries.into_iter().map(with_leader).collect()
}
