//! Rebuilding a partition's producer state: the newest snapshot, and the footers of what came
//! after.

use milena_types::{Offset, Timestamp, TopicPartition};

use crate::{
    catalog::records::{SegmentRef, SnapshotRef},
    catalog::{manifest::Manifest, manifests::Manifests},
    objects::object_id::ObjectId,
    partition::producers::{snapshot::SnapshotError, state::Producers},
    recovery::errors::OpenPartitionError,
    segment::{blocks::Segments, footer::PartitionFooter, format::BatchSummary},
};

/// What tells of producers: a segment, or a partition's share of a chunk.
enum Source<'a> {
    Segment(&'a SegmentRef),
    Chunk(&'a PartitionFooter),
}

/// The producer state of everything in segments and in `chunks`, from `snapshot` on if there is one.
pub(super) async fn rebuild_producers(
    manifests: &Manifests,
    segments: &Segments,
    id: TopicPartition,
    manifest: &Manifest,
    chunks: impl Iterator<Item = &'_ PartitionFooter>,
    snapshot: Option<&SnapshotRef>,
    now: Timestamp,
) -> Result<Producers, OpenPartitionError> {
    let (mut producers, from) = match snapshot {
        Some(snapshot) => read_snapshot(manifests, id, snapshot).await?,
        None => (Producers::default(), Offset::ZERO),
    };
    let mut replay = Replay { segments, id, from, now, producers: &mut producers };
    for page in manifest.record.pages.iter().filter(|page| page.end > from) {
        for segment in manifests.pages.read(page).await?.iter() {
            replay.footer(segment).await?;
        }
    }
    // A flush may have gone before chunks of another log that its records come after.
    let newer = manifest.newer().map(|segment| (segment.base, Source::Segment(segment)));
    let chunks = chunks.map(|part| (part.offsets.start, Source::Chunk(part)));
    let mut sources: Vec<_> = newer.chain(chunks).collect();
    sources.sort_by_key(|(base, _)| *base);
    for (_, source) in sources {
        match source {
            Source::Segment(segment) => replay.footer(segment).await?,
            Source::Chunk(part) => replay.batches(&part.batches),
        }
    }
    Ok(producers)
}

/// The state of a snapshot, and the offset from which segments add to it. If the snapshot is lost
/// or damaged, the footers of all segments replace it.
async fn read_snapshot(
    manifests: &Manifests,
    id: TopicPartition,
    snapshot: &SnapshotRef,
) -> Result<(Producers, Offset), OpenPartitionError> {
    let Some(object) = &snapshot.object else { return Ok((Producers::default(), snapshot.offset)) };
    let error = match manifests.pages.open(&ObjectId::new(object.as_str())).await {
        Ok(bytes) => match Producers::from_snapshot(&bytes) {
            Ok(producers) => return Ok((producers, snapshot.offset)),
            Err(error @ SnapshotError::Level(_)) => return Err(error.into()),
            Err(error) => OpenPartitionError::from(error),
        },
        Err(error) if error.is_lost() => error.into(),
        Err(error) => return Err(error.into()),
    };
    tracing::warn!(partition = %id, %object, %error, "producer state is rebuilt from all segments");
    Ok((Producers::default(), Offset::ZERO))
}

struct Replay<'a> {
    segments: &'a Segments,
    id: TopicPartition,
    from: Offset,
    /// When a batch was appended is not known. Since it may have been just now, its producer counts
    /// as active now.
    now: Timestamp,
    producers: &'a mut Producers,
}

impl Replay<'_> {
    async fn footer(&mut self, segment: &SegmentRef) -> Result<(), OpenPartitionError> {
        if segment.end <= self.from {
            return Ok(());
        }
        let part = self.segments.open(self.id, &segment.object, segment.base).await?;
        self.batches(&part.footer().batches);
        Ok(())
    }

    fn batches(&mut self, batches: &[BatchSummary]) {
        for batch in batches.iter().filter(|batch| batch.base_offset >= self.from) {
            self.producers.commit_summary(batch, self.now);
        }
    }
}
