//! The fuzz target for batches (`fuzz/fuzz_targets/batches.rs`). The tests replay its corpus. Whatever the bytes are, nothing panics and nothing grows past its
//! limit.

use bytes::Bytes;
use milena_types::{LeaderEpoch, Offset, Timestamp};

use crate::{
    Batch, BatchHeader, CheckProgress, HEADER_LEN, RecordCheck, RecordRules, RecordSearch,
    RejectedRecords, Stamp, control::EndTransactionMarker, first_record_at_or_after,
    first_record_with_max_timestamp, legacy, split,
};

/// What a batch may decompress to.
const LIMIT: usize = 1 << 20;

/// Reads record batches and old message sets in every way the broker does. Batches are made to have
/// a right length, so that the records are reached.
///
/// # Panics
/// Where the crate breaks one of its promises.
pub fn batches(data: &[u8]) {
    let records = Bytes::copy_from_slice(data);
    split(records.clone()).flatten().for_each(|batch| read(&batch));
    if let Some(batch) = with_right_length(data) {
        read(&batch);
    }
    if let Ok(batch) = legacy::up_convert(&records, LIMIT) {
        batch.verify_crc().expect("a batch that was built has the right checksum");
        check(&batch);
        read(&batch);
    }
}

fn read(batch: &Batch) {
    let _ = batch.verify_crc();
    let _ = batch.validate_produced();
    check(batch);
    let _ = first_record_at_or_after(batch, Timestamp(0)).and_then(RecordSearch::run);
    let _ = first_record_with_max_timestamp(batch).and_then(RecordSearch::run);
    for format in [legacy::MessageFormat::Magic0, legacy::MessageFormat::Magic1] {
        let _ = legacy::down_convert([batch], format, Offset(0), LIMIT);
    }
    if let Ok(set) = batch.records(LIMIT) {
        for record in set.iter().flatten() {
            let _ = EndTransactionMarker::of(&record);
            assert_eq!(
                record.headers.count(),
                record.headers.len(),
                "headers are checked when a record is read"
            );
        }
    }
    stamp(batch);
}

/// A check says the same whatever its steps are, and what passes it is read as it says.
fn check(batch: &Batch) {
    let rules = RecordRules {
        key_required: true,
        timestamps: Some(0..=i64::MAX),
        ..RecordRules::default()
    };
    let in_steps = |budget, rules: &RecordRules| {
        let mut check = RecordCheck::new(batch, rules.clone())?;
        loop {
            if check.size() > LIMIT as u64 {
                return Ok(None);
            }
            if let CheckProgress::Done(summary) = check.step(budget)? {
                return Ok::<_, RejectedRecords>(Some(summary));
            }
        }
    };
    let strict = in_steps(1 << 16, &rules);
    assert_eq!(in_steps(1, &rules), strict, "steps change nothing");
    let Ok(Some(summary)) = in_steps(1 << 16, &RecordRules::default()) else { return };
    // Whose header contradicts itself is refused before the check of its records.
    let header = batch.header();
    if i64::from(header.last_offset_delta) != i64::from(header.record_count) - 1 {
        return;
    }
    let Ok(records) = batch.records(LIMIT) else { return };
    let times: Vec<_> = records.iter().map(|record| record.expect("it was checked")).collect();
    let max = times.iter().map(|record| record.timestamp).max().unwrap_or(Timestamp::NONE);
    assert_eq!(summary.max_timestamp, max.max(Timestamp::NONE));
    assert_eq!(times.len() as i64, i64::from(batch.header().record_count));
}

/// Stamping keeps a checksum right, or wrong.
fn stamp(batch: &Batch) {
    let stamp = Stamp {
        base_offset: Offset(7),
        leader_epoch: LeaderEpoch(1),
        max_timestamp: Timestamp(8),
        log_append_time: Some(Timestamp(9)),
    };
    let mut bytes = Vec::new();
    stamp.copy_to(batch.bytes(), &mut bytes);
    let stamped = Batch::parse(&bytes.into()).expect("a stamped batch");
    assert_eq!(stamped.verify_crc().is_ok(), batch.verify_crc().is_ok());
}

/// The batch that `data` would be if its length field were right.
fn with_right_length(data: &[u8]) -> Option<Batch> {
    let mut bytes = data.to_vec();
    let length = i32::try_from(bytes.len().checked_sub(12)?).ok()?;
    bytes.get_mut(8..12)?.copy_from_slice(&length.to_be_bytes());
    *bytes.get_mut(16)? = 2;
    BatchHeader::parse(&bytes).ok().filter(|_| bytes.len() >= HEADER_LEN)?;
    Batch::parse(&bytes.into()).ok()
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_the_fuzzer_found_is_still_refused_or_read() {
        let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/batches");
        let mut entries = std::fs::read_dir(corpus).unwrap().peekable();
        assert!(entries.peek().is_some(), "there is a corpus");
        entries.for_each(|entry| super::batches(&std::fs::read(entry.unwrap().path()).unwrap()));
    }
}
