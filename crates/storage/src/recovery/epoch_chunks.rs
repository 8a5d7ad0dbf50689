//! The chunks of one sealed epoch in memory.

use std::collections::HashMap;
use std::sync::Arc;

use milena_types::{ChunkSeq, TopicPartition};

use crate::{
    catalog::records::LogId,
    chunk::tail::{TailChunk, TailRun},
    segment::footer::PartitionFooter,
};

/// The chunks of one sealed epoch, from some sequence number to its tail.
#[derive(Debug)]
pub(crate) struct EpochChunks {
    pub(crate) log: LogId,
    pub(crate) first: ChunkSeq,
    pub(crate) chunks: Vec<Arc<TailChunk>>,
    /// For each partition: (chunk index, index in that chunk's footer).
    shares: HashMap<TopicPartition, Vec<(u32, u32)>>,
}

impl EpochChunks {
    pub(crate) fn new(log: LogId, first: ChunkSeq, chunks: Vec<Arc<TailChunk>>) -> Self {
        let mut shares: HashMap<TopicPartition, Vec<(u32, u32)>> = HashMap::new();
        for (number, chunk) in chunks.iter().enumerate() {
            for (index, part) in chunk.footer.partitions.iter().enumerate() {
                shares.entry(part.partition).or_default().push((number as u32, index as u32));
            }
        }
        Self { log, first, chunks, shares }
    }

    /// The sequence number after the last chunk.
    pub(crate) fn end(&self) -> ChunkSeq {
        ChunkSeq(self.first.0 + self.chunks.len() as u64)
    }

    /// The partition's runs in offset order, with their footer entries.
    pub(crate) fn runs_of(
        &self,
        partition: TopicPartition,
    ) -> impl Iterator<Item = (TailRun, &PartitionFooter)> {
        let shares = self.shares.get(&partition).into_iter().flatten();
        shares.map(|(number, index)| {
            let (chunk, index) = (&self.chunks[*number as usize], *index as usize);
            let run = TailRun { sealed: Some(self.log), ..chunk.run(index) };
            (run, &chunk.footer.partitions[index])
        })
    }

    /// The chunks from `from` on.
    pub(crate) fn from(&self, from: ChunkSeq) -> &[Arc<TailChunk>] {
        let skipped = from.0.saturating_sub(self.first.0).min(self.chunks.len() as u64);
        &self.chunks[skipped as usize..]
    }
}
