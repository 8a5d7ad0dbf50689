//! What a broker writes into a batch (behaviours 24 and 25).

use milena_records::{Batch, Compression, HEADER_LEN, Stamp, TimestampType};
use milena_types::{LeaderEpoch, Offset, Timestamp};

use crate::{LIMIT, batch_of};

fn stamped(stamp: Stamp, batch: &Batch) -> Batch {
    let mut copied = b"before".to_vec();
    stamp.copy_to(batch.bytes(), &mut copied);
    assert!(copied.starts_with(b"before"));
    Batch::parse(&copied.split_off(6).into()).unwrap()
}

#[test]
fn b25_base_offset_and_leader_epoch_are_patched_and_nothing_else() {
    for codec in Compression::ALL {
        let batch = batch_of(5, codec);
        let stamp = Stamp {
            base_offset: Offset(1 << 40),
            leader_epoch: LeaderEpoch(6),
            max_timestamp: batch.header().max_timestamp,
            log_append_time: None,
        };
        let stored = stamped(stamp, &batch);
        stored.verify_crc().unwrap();
        assert_eq!(stored.header().base_offset, Offset(1 << 40));
        assert_eq!(stored.header().leader_epoch, LeaderEpoch(6));
        assert_eq!(stored.header().crc, batch.header().crc);
        assert_eq!(stored.bytes()[8..12], batch.bytes()[8..12]);
        assert_eq!(stored.bytes()[16..], batch.bytes()[16..]);
        let first = stored.records(LIMIT).unwrap().iter().next().unwrap().unwrap().offset;
        assert_eq!(first, Offset(1 << 40));
    }
}

#[test]
fn b24_log_append_time_sets_the_bit_and_the_max_timestamp_and_the_checksum_holds() {
    for codec in Compression::ALL {
        for count in [1, 2, 50] {
            let batch = batch_of(count, codec);
            let log_append_time = Some(Timestamp(1_700_000_000_000));
            let stored = stamped(
                Stamp {
                    base_offset: Offset(3),
                    leader_epoch: LeaderEpoch(0),
                    max_timestamp: Timestamp(5),
                    log_append_time,
                },
                &batch,
            );
            stored.verify_crc().unwrap();
            let header = stored.header();
            assert_eq!(header.attributes.timestamp_type(), TimestampType::LogAppendTime);
            assert_eq!(header.attributes.compression(), Ok(codec));
            assert_eq!(header.log_append_time(), log_append_time);
            assert_eq!(stored.bytes()[HEADER_LEN..], batch.bytes()[HEADER_LEN..]);
        }
    }
}

#[test]
fn a_damaged_batch_stays_damaged_when_it_is_given_a_log_append_time() {
    let batch = batch_of(5, Compression::None);
    let mut bytes = batch.bytes().to_vec();
    *bytes.last_mut().unwrap() ^= 1;
    let damaged = Batch::parse(&bytes.into()).unwrap();
    let stamp = Stamp {
        base_offset: Offset(3),
        leader_epoch: LeaderEpoch(0),
        max_timestamp: Timestamp(1),
        log_append_time: Some(Timestamp(1)),
    };
    assert!(stamped(stamp, &damaged).verify_crc().is_err());
}

#[test]
fn a_max_timestamp_that_the_sender_got_wrong_is_put_right_and_the_checksum_holds() {
    for codec in Compression::ALL {
        for count in [1, 50] {
            let batch = batch_of(count, codec);
            let stamp = Stamp {
                base_offset: Offset(3),
                leader_epoch: LeaderEpoch(0),
                max_timestamp: Timestamp(77),
                log_append_time: None,
            };
            let stored = stamped(stamp, &batch);
            stored.verify_crc().unwrap();
            let header = stored.header();
            assert_eq!(header.max_timestamp, Timestamp(77));
            assert_eq!(header.attributes, batch.header().attributes);
            assert_eq!(stored.bytes()[HEADER_LEN..], batch.bytes()[HEADER_LEN..]);
        }
    }
}
