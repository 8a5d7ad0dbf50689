//! Look-up of offsets: a partition's start, its end, and the first record at a time.

use milena_protocol::messages::{
    delete_records_request::{DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic},
    list_offsets_request::{ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic},
};
use milena_types::{LeaderEpoch, Offset, Timestamp};

use crate::{Client, ClientError};

/// A place in a partition to begin at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartAt {
    /// The first record there is.
    Beginning,
    /// After the last record there is.
    End,
    /// A record.
    Offset(Offset),
    /// The first record of this time or later; the end when there is none.
    Time(Timestamp),
}

/// An offset found by [`Client::list_offset`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListedOffset {
    /// The offset; `None` when no record is of the time asked for, or later.
    pub offset: Option<Offset>,
    /// The record's time; none for the beginning and the end.
    pub timestamp: Timestamp,
    /// The leader epoch of the record.
    pub leader_epoch: LeaderEpoch,
}

impl Client {
    /// Looks up an offset of a partition (ListOffsets). [`StartAt::Offset`] is given back as it is.
    pub async fn list_offset(
        &self,
        topic: &str,
        partition: i32,
        at: StartAt,
    ) -> Result<ListedOffset, ClientError> {
        let timestamp = match at {
            StartAt::End => -1,
            StartAt::Beginning => -2,
            StartAt::Time(time) => time.raw().max(0),
            StartAt::Offset(offset) => {
                let (timestamp, leader_epoch) = (Timestamp::NONE, LeaderEpoch::NONE);
                return Ok(ListedOffset { offset: Some(offset), timestamp, leader_epoch });
            }
        };
        let mut retry = self.retry();
        loop {
            match self.list_offset_once(topic, partition, timestamp).await {
                Ok(found) => return Ok(found),
                Err(error) => {
                    self.forget_topic(topic);
                    self.set_read_error(Some(&error));
                    retry.after(error).await?;
                }
            }
        }
    }

    /// Deletes the records of a partition before an offset, or all there are. The new beginning.
    pub async fn delete_records(
        &self,
        topic: &str,
        partition: i32,
        before: Option<Offset>,
    ) -> Result<Offset, ClientError> {
        let mut retry = self.retry();
        loop {
            match self.delete_records_once(topic, partition, before).await {
                Ok(beginning) => return Ok(beginning),
                Err(error) => {
                    self.forget_topic(topic);
                    retry.after(error).await?;
                }
            }
        }
    }

    async fn delete_records_once(
        &self,
        topic: &str,
        index: i32,
        before: Option<Offset>,
    ) -> Result<Offset, ClientError> {
        const ALL: i64 = -1;
        let (_, leader) = self.leader(topic, index).await?;
        let partition = DeleteRecordsPartition {
            partition_index: index,
            offset: before.map_or(ALL, Offset::raw),
        };
        let request = DeleteRecordsRequest {
            topics: vec![DeleteRecordsTopic { name: topic.into(), partitions: vec![partition] }],
            timeout_ms: self.timeout_ms(),
        };
        let response = leader.call(&request).await?;
        let what = format!("deleting records of partition {index} of topic {topic}");
        let unknown = milena_protocol::ErrorCode::UnknownServerError.code();
        let mut found = response.topics.iter().flat_map(|t| &t.partitions);
        let found = found.find(|p| p.partition_index == index);
        let found = found.ok_or_else(|| ClientError::broker(&*what, unknown, None))?;
        ClientError::check(what, found.error_code, None)?;
        Ok(Offset(found.low_watermark))
    }

    async fn list_offset_once(
        &self,
        topic: &str,
        index: i32,
        timestamp: i64,
    ) -> Result<ListedOffset, ClientError> {
        let (info, leader) = self.leader(topic, index).await?;
        let request = ListOffsetsRequest {
            replica_id: -1,
            topics: vec![ListOffsetsTopic {
                name: topic.into(),
                partitions: vec![ListOffsetsPartition {
                    partition_index: index,
                    current_leader_epoch: info.partition(index)?.leader_epoch.raw(),
                    timestamp,
                    ..Default::default()
                }],
            }],
            ..Default::default()
        };
        let response = leader.call(&request).await?;
        let what = || format!("offsets of partition {index} of topic {topic}");
        let missing = || {
            ClientError::broker(what(), milena_protocol::ErrorCode::UnknownServerError.code(), None)
        };
        let found =
            response.topics.iter().flat_map(|t| &t.partitions).find(|p| p.partition_index == index);
        let found = found.ok_or_else(missing)?;
        ClientError::check(what(), found.error_code, None)?;
        Ok(ListedOffset {
            offset: (found.offset >= 0).then_some(Offset(found.offset)),
            timestamp: Timestamp(found.timestamp),
            leader_epoch: LeaderEpoch(found.leader_epoch),
        })
    }
}
