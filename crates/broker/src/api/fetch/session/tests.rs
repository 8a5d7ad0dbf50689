use milena_protocol::KString;

use super::*;

fn requested(topic: &'static str, partition: i32) -> FetchPartition {
    FetchPartition {
        topic: OwnedTopicRef::Name(KString::from_static(topic)),
        partition: PartitionIndex(partition),
        current_leader_epoch: -1,
        fetch_offset: 0,
        last_fetched_epoch: -1,
        bytes_max: 1,
    }
}

struct Clients {
    cache: SessionCache,
    random: u64,
}

impl Clients {
    fn new(sessions_max: usize) -> Self {
        Self::with_memory(sessions_max, usize::MAX)
    }

    fn with_memory(sessions_max: usize, bytes: usize) -> Self {
        Self { cache: SessionCache::new(sessions_max, ByteCount::new(bytes)), random: 0 }
    }

    fn begin(
        &mut self,
        id: i32,
        epoch: i32,
        partitions: &[FetchPartition],
        now_s: u64,
    ) -> Result<FetchKind, ErrorCode> {
        let random = || {
            self.random += 1 << 33;
            self.random
        };
        let request = SessionRequest { id, epoch, by_id: false };
        self.cache.begin(request, partitions, Vec::new(), random, Duration::from_secs(now_s))
    }

    fn open(&mut self, now_s: u64) -> Option<i32> {
        match self.begin(0, INITIAL_EPOCH, &[requested("t", 0)], now_s) {
            Ok(FetchKind::Full { session }) => session.map(|(id, _)| id),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn epochs_rise_by_one_and_a_wrong_one_is_refused() {
    let mut clients = Clients::new(10);
    let id = clients.open(0).expect("a session");
    for epoch in 1..4 {
        assert!(matches!(clients.begin(id, epoch, &[], 0), Ok(FetchKind::Incremental { .. })));
    }
    assert_eq!(clients.begin(id, 3, &[], 0).unwrap_err(), ErrorCode::InvalidFetchSessionEpoch);
    assert_eq!(clients.begin(id + 1, 1, &[], 0).unwrap_err(), ErrorCode::FetchSessionIdNotFound);
    assert!(matches!(clients.begin(id, 4, &[], 0), Ok(FetchKind::Incremental { .. })));
}

#[test]
fn the_final_epoch_ends_a_session_and_returns_all() {
    let mut clients = Clients::new(10);
    let id = clients.open(0).expect("a session");
    assert!(matches!(
        clients.begin(id, FINAL_EPOCH, &[requested("t", 0)], 0),
        Ok(FetchKind::Full { session: None })
    ));
    assert_eq!(clients.begin(id, 1, &[], 0).unwrap_err(), ErrorCode::FetchSessionIdNotFound);
}

#[test]
fn a_session_by_name_is_not_continued_by_id() {
    let mut clients = Clients::new(10);
    let id = clients.open(0).expect("a session");
    let request = SessionRequest { id, epoch: 1, by_id: true };
    let refused = clients.cache.begin(request, &[], Vec::new(), || 0, Duration::ZERO);
    assert_eq!(refused.unwrap_err(), ErrorCode::FetchSessionTopicIdError);
}

#[test]
fn a_full_cache_gives_no_session_until_one_is_stale() {
    let mut clients = Clients::new(2);
    let first = clients.open(0).expect("room for one");
    clients.open(100).expect("room for two");
    assert_eq!(clients.open(110), None);
    assert!(clients.open(120).is_some(), "the first was unused for 120 s");
    assert_eq!(clients.begin(first, 1, &[], 121).unwrap_err(), ErrorCode::FetchSessionIdNotFound);
}

#[test]
fn partitions_are_added_changed_forgotten_and_rotated() {
    let mut session =
        Session::new(false, &[requested("t", 0), requested("t", 1), requested("u", 0)]);
    session.forget(OwnedTopicRef::Name(KString::from_static("t")), PartitionIndex(1));
    session.set_partition(&FetchPartition { fetch_offset: 7, ..requested("t", 0) });
    session.set_partition(&requested("v", 0));
    let first =
        session.partitions_from(0).next().map(|(position, _)| position).expect("three partitions");
    session.move_to_end(first);
    let order: Vec<_> = session
        .partitions_from(0)
        .map(|(_, p)| (p.requested.topic.clone(), p.requested.fetch_offset))
        .collect();
    let name = |text: &'static str| OwnedTopicRef::Name(KString::from_static(text));
    assert_eq!(order, [(name("u"), 0), (name("v"), 0), (name("t"), 7)]);
}

#[test]
fn only_changes_and_errors_are_included() {
    let mut partition =
        SessionPartition { requested: requested("t", 0), known: PartitionOffsets::UNKNOWN };
    let state =
        |hw| PartitionOffsets { high_watermark: hw, last_stable_offset: hw, log_start_offset: 0 };
    assert!(partition.must_include(state(5), false, false), "not known yet");
    assert!(!partition.must_include(state(5), false, false));
    assert!(partition.must_include(state(5), true, false), "records");
    assert!(partition.must_include(state(6), false, false), "the high watermark moved");
    assert!(partition.must_include(state(6), false, true), "an error");
    assert!(partition.must_include(state(6), false, false), "again after an error");
    assert!(!partition.must_include(state(6), false, false));
}

#[test]
fn without_memory_there_is_no_session_and_one_that_would_grow_ends() {
    let mut clients = Clients::with_memory(1000, 3 * (PARTITION_BYTES + 1));
    let many: Vec<FetchPartition> = (0..4).map(|index| requested("t", index)).collect();
    let Ok(FetchKind::Full { session: None }) = clients.begin(0, INITIAL_EPOCH, &many, 0) else {
        panic!("it is too large for what there is")
    };
    let first = clients.open(0).expect("a small one");
    assert!(clients.begin(first, 1, &many[..1], 0).is_ok(), "nothing new in it");
    assert_eq!(clients.cache.memory.used(), PARTITION_BYTES + 1);
    assert_eq!(
        clients.begin(first, 2, &many[1..], 0).unwrap_err(),
        ErrorCode::FetchSessionIdNotFound
    );
    assert_eq!(clients.cache.memory.used(), 0, "it is gone");
    clients.open(0).expect("room again");
    let Ok(FetchKind::Full { session: None }) = clients.begin(0, INITIAL_EPOCH, &many[1..], 119)
    else {
        panic!("the other is in use")
    };
    let Ok(FetchKind::Full { session: Some(_) }) = clients.begin(0, INITIAL_EPOCH, &many[1..], 120)
    else {
        panic!("the other was unused for long")
    };
}
