use milena_types::{Offset, ProducerEpoch, ProducerId, Sequence, Timestamp};
use proptest::prelude::*;

use crate::partition::producers::state::{Producers, SequenceError, SequencedBatch, Verdict};

const PRODUCER: ProducerId = ProducerId(7);

fn batch(epoch: i16, first_sequence: i32, count: i64, base_offset: i64) -> SequencedBatch {
    SequencedBatch {
        producer: PRODUCER,
        epoch: ProducerEpoch(epoch),
        first_sequence: Sequence(first_sequence),
        base_offset: Offset(base_offset),
        last_offset: Offset(base_offset + count - 1),
        max_timestamp: Timestamp(1000 + base_offset),
        transactional: false,
    }
}

fn append(producers: &mut Producers, batch: &SequencedBatch) {
    assert_eq!(producers.check(batch), Ok(Verdict::Next));
    producers.push_pending(batch);
    producers.commit(batch, Timestamp(1_000));
}

fn duplicate_of(producers: &Producers, batch: &SequencedBatch) -> Option<(Offset, bool)> {
    match producers.check(batch) {
        Ok(Verdict::Duplicate { original, pending }) => Some((original.base_offset, pending)),
        _ => None,
    }
}

fn is_out_of_order(producers: &Producers, batch: &SequencedBatch) -> bool {
    matches!(producers.check(batch), Err(SequenceError::OutOfOrder { .. }))
}

#[test]
fn an_unknown_producer_may_start_with_any_sequence() {
    let mut producers = Producers::default();
    append(&mut producers, &batch(3, 41, 2, 0));
    append(&mut producers, &batch(3, 43, 2, 2));
}

#[test]
fn later_batches_do_not_overtake_a_first_batch_that_failed() {
    let mut producers = Producers::default();
    producers.push_pending(&batch(0, 0, 2, 0));
    producers.revert_pending(Offset(0));
    assert!(is_out_of_order(&producers, &batch(0, 2, 2, 0)), "the first one is sent again before");
    assert_eq!(producers.check(&batch(1, 5, 1, 0)), Ok(Verdict::Next), "another epoch begins anew");
    append(&mut producers, &batch(0, 0, 2, 0));
    append(&mut producers, &batch(0, 2, 2, 2));
    producers.push_pending(&batch(0, 4, 2, 4));
    producers.revert_pending(Offset(4));
    append(&mut producers, &batch(0, 4, 2, 4));
}

#[test]
fn retries_of_five_batches_get_their_original_offsets() {
    let mut producers = Producers::default();
    for i in 0..6 {
        append(&mut producers, &batch(0, i * 2, 2, i64::from(i) * 2));
    }
    for i in 1..6 {
        let retry = batch(0, i * 2, 2, 100);
        assert_eq!(duplicate_of(&producers, &retry), Some((Offset(i64::from(i) * 2), false)));
    }
    assert!(is_out_of_order(&producers, &batch(0, 0, 2, 100)), "the sixth oldest is forgotten");
    assert!(is_out_of_order(&producers, &batch(0, 10, 3, 100)), "another length is another batch");
}

#[test]
fn a_gap_is_refused() {
    let mut producers = Producers::default();
    append(&mut producers, &batch(0, 0, 2, 0));
    let expected =
        SequenceError::OutOfOrder { producer: PRODUCER, expected: Sequence(2), got: Sequence(3) };
    assert_eq!(producers.check(&batch(0, 3, 1, 2)), Err(expected));
}

#[test]
fn sequences_wrap_to_zero_after_i32_max() {
    let mut producers = Producers::default();
    append(&mut producers, &batch(0, i32::MAX - 1, 3, 0));
    append(&mut producers, &batch(0, 1, 1, 3));
    let mut producers = Producers::default();
    append(&mut producers, &batch(0, i32::MAX - 1, 2, 0));
    append(&mut producers, &batch(0, 0, 1, 2));
}

#[test]
fn a_new_epoch_starts_at_zero_and_fences_the_old_one() {
    let mut producers = Producers::default();
    append(&mut producers, &batch(0, 0, 5, 0));
    assert!(is_out_of_order(&producers, &batch(1, 5, 1, 5)));
    append(&mut producers, &batch(1, 0, 1, 5));
    let refused = producers.check(&batch(0, 5, 1, 6));
    assert!(matches!(refused, Err(SequenceError::InvalidEpoch { current: ProducerEpoch(1), .. })));
}

#[test]
fn a_duplicate_of_a_pending_batch_is_known_as_pending() {
    let mut producers = Producers::default();
    let first = batch(0, 0, 1, 0);
    producers.push_pending(&first);
    assert_eq!(duplicate_of(&producers, &batch(0, 0, 1, 9)), Some((Offset(0), true)));
    producers.commit(&first, Timestamp(1_000));
    assert_eq!(duplicate_of(&producers, &batch(0, 0, 1, 9)), Some((Offset(0), false)));
}

#[test]
fn a_failed_commit_is_reverted_and_its_sequence_accepted_again() {
    let mut producers = Producers::default();
    append(&mut producers, &batch(0, 0, 1, 0));
    let before = producers.clone();
    producers.push_pending(&batch(0, 1, 1, 1));
    producers.push_pending(&batch(1, 0, 1, 2));
    producers.revert_pending(Offset(1));
    assert_eq!(producers, before);
    append(&mut producers, &batch(0, 1, 1, 1));
    let mut fresh = Producers::default();
    fresh.push_pending(&batch(0, 5, 1, 0));
    fresh.revert_pending(Offset(0));
    assert!(fresh.is_empty());
}

#[test]
fn a_marker_ends_the_open_transaction() {
    let mut producers = Producers::default();
    append(&mut producers, &SequencedBatch { transactional: true, ..batch(0, 0, 1, 10) });
    append(&mut producers, &SequencedBatch { transactional: true, ..batch(0, 1, 1, 20) });
    assert_eq!(producers.first_open_transaction(), Some(Offset(10)));
    producers.commit_marker(PRODUCER, ProducerEpoch(0), 4, Timestamp(5), Timestamp(6));
    assert_eq!(producers.first_open_transaction(), None);
}

#[test]
fn producers_that_are_silent_expire_unless_a_transaction_is_open() {
    let mut producers = Producers::default();
    append(&mut producers, &batch(0, 0, 1, 0));
    let other =
        SequencedBatch { producer: ProducerId(8), transactional: true, ..batch(0, 0, 1, 1) };
    append(&mut producers, &other);
    producers.expire(Timestamp(1_000));
    assert_eq!(producers.known.len(), 2);
    producers.expire(Timestamp(1_001));
    assert_eq!(producers.known.keys().collect::<Vec<_>>(), [&ProducerId(8)]);
}

#[test]
fn a_snapshot_holds_committed_state_only() {
    let mut producers = Producers::default();
    append(&mut producers, &batch(2, 0, 3, 0));
    let committed = producers.clone();
    producers.push_pending(&batch(2, 3, 3, 3));
    let restored = Producers::from_snapshot(&producers.snapshot()).expect("just written");
    assert_eq!(restored, committed);
}

proptest! {
    #[test]
    fn no_bytes_make_reading_a_snapshot_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let _ = Producers::from_snapshot(&bytes);
        let mut levelled = vec![1];
        levelled.extend(bytes);
        let _ = Producers::from_snapshot(&levelled);
    }
}
