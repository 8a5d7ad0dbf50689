//! Incremental fetch sessions (KIP-227): what a client asked for last time, so that it need not say
//! it again, and what it was answered, so that only changes are told.
//!
//! Invariants: the cache holds at most as many sessions as it was made for; a session's epoch rises
//! by one with each answer; partitions are visited in the order asked, those that gave records move
//! to the end so that none starves. Not here: logs. The caller reads the partitions that
//! [`Session::partitions`] lists and asks [`SessionPartition::must_answer`] whether to tell.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
    time::Duration,
};

use milena_protocol::{ErrorCode, KString};
use milena_types::{PartitionIndex, TopicId};

/// Asks for a new session, or for none when the session id says so too
/// (`FetchMetadata.INITIAL_EPOCH`).
pub(crate) const INITIAL_EPOCH: i32 = 0;
/// Ends the session (`FetchMetadata.FINAL_EPOCH`).
pub(crate) const FINAL_EPOCH: i32 = -1;
/// A session that was not used for so long makes room for a new one.
const EVICTED_AFTER: Duration = Duration::from_secs(120);

/// A topic as the request names it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(crate) enum TopicKey {
    /// Up to version 12.
    Name(KString),
    /// From version 13 on (KIP-516).
    Id(TopicId),
}

impl TopicKey {
    /// The same key without a hold on the request's buffer.
    fn detached(&self) -> Self {
        match self {
            Self::Name(name) => Self::Name(KString::from(name.as_str())),
            Self::Id(id) => Self::Id(*id),
        }
    }
}

/// What a client wants of one partition.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Wanted {
    pub(crate) topic: TopicKey,
    pub(crate) partition: PartitionIndex,
    pub(crate) current_leader_epoch: i32,
    pub(crate) fetch_offset: i64,
    pub(crate) last_fetched_epoch: i32,
    pub(crate) bytes_max: i32,
}

/// The state of a partition that a client learns from a fetch besides records.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Told {
    pub(crate) high_watermark: i64,
    pub(crate) last_stable_offset: i64,
    pub(crate) log_start_offset: i64,
}

impl Told {
    const NOTHING: Self = Self { high_watermark: -1, last_stable_offset: -1, log_start_offset: -1 };
}

/// A partition of a session.
#[derive(Clone, Debug)]
pub(crate) struct SessionPartition {
    pub(crate) wanted: Wanted,
    told: Told,
}

impl SessionPartition {
    /// Whether an incremental answer has to mention the partition, and notes what the client will
    /// know then.
    pub(crate) fn must_answer(&mut self, now: Told, has_records: bool, failed: bool) -> bool {
        let changed = self.told != now;
        // After an error the client learns the partition's state again as soon as it can be told.
        self.told = if failed { Told::NOTHING } else { now };
        has_records || failed || changed
    }
}

/// The partitions one client fetches.
#[derive(Debug, Default)]
pub(crate) struct Session {
    epoch: i32,
    by_id: bool,
    order: BTreeMap<u64, SessionPartition>,
    places: HashMap<(TopicKey, PartitionIndex), u64>,
    next_place: u64,
}

impl Session {
    fn new(by_id: bool, wanted: &[Wanted]) -> Self {
        let mut session = Self { epoch: 1, by_id, ..Self::default() };
        wanted.iter().for_each(|wanted| session.want(wanted));
        session
    }

    fn want(&mut self, wanted: &Wanted) {
        let topic = wanted.topic.detached();
        let key = (topic.clone(), wanted.partition);
        let wanted = Wanted { topic, ..wanted.clone() };
        let place = *self.places.entry(key).or_insert_with(|| {
            self.next_place += 1;
            self.next_place
        });
        match self.order.entry(place) {
            std::collections::btree_map::Entry::Occupied(mut slot) => {
                slot.get_mut().wanted = wanted
            }
            std::collections::btree_map::Entry::Vacant(slot) => {
                slot.insert(SessionPartition { wanted, told: Told::NOTHING });
            }
        }
    }

    fn forget(&mut self, topic: TopicKey, partition: PartitionIndex) {
        if let Some(place) = self.places.remove(&(topic, partition)) {
            self.order.remove(&place);
        }
    }

    /// The partitions in the order in which they are to be read, each with its place.
    pub(crate) fn partitions(&mut self) -> impl Iterator<Item = (u64, &mut SessionPartition)> {
        self.order.iter_mut().map(|(place, partition)| (*place, partition))
    }

    /// How many partitions there are.
    pub(crate) fn len(&self) -> usize {
        self.order.len()
    }

    /// The partition at a place, if it is still there.
    pub(crate) fn partition(&mut self, place: u64) -> Option<&mut SessionPartition> {
        self.order.get_mut(&place)
    }

    /// Where a partition stands that was asked for by name and number.
    pub(crate) fn place_of(&self, wanted: &Wanted) -> Option<u64> {
        self.places.get(&(wanted.topic.clone(), wanted.partition)).copied()
    }

    /// The partition gave records: others come first next time.
    pub(crate) fn move_to_end(&mut self, place: u64) {
        if let Some(partition) = self.order.remove(&place) {
            self.next_place += 1;
            let key = (partition.wanted.topic.clone(), partition.wanted.partition);
            self.places.insert(key, self.next_place);
            self.order.insert(self.next_place, partition);
        }
    }
}

/// What a fetch request turns out to be.
#[derive(Debug)]
pub(crate) enum FetchKind {
    /// All partitions are in the request, all are answered. The session id is 0 if none was made.
    Full {
        /// The session that was made for it.
        session: Option<(i32, Arc<Mutex<Session>>)>,
    },
    /// The partitions are the session's, and only changes are answered.
    Incremental {
        /// The session's id.
        id: i32,
        /// The session.
        session: Arc<Mutex<Session>>,
    },
}

struct Cached {
    session: Arc<Mutex<Session>>,
    last_used: Duration,
}

/// The sessions of one broker.
pub(crate) struct SessionCache {
    sessions: Mutex<HashMap<i32, Cached>>,
    sessions_max: usize,
}

/// What a request says about its session.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub(crate) id: i32,
    pub(crate) epoch: i32,
    /// Topics are named by id (version 13 on).
    pub(crate) by_id: bool,
}

impl SessionCache {
    pub(crate) fn new(sessions_max: usize) -> Self {
        Self { sessions: Mutex::default(), sessions_max }
    }

    /// Decides what a request is and brings its session up to date. `random` makes the ids of new
    /// sessions, which nobody should guess by accident. `now` is monotonic.
    ///
    /// Errors: FETCH_SESSION_ID_NOT_FOUND, INVALID_FETCH_SESSION_EPOCH,
    /// FETCH_SESSION_TOPIC_ID_ERROR. The client then starts again with a full fetch.
    pub(crate) fn begin(
        &self,
        asked: Asked,
        wanted: &[Wanted],
        forgotten: Vec<(TopicKey, PartitionIndex)>,
        random: impl FnMut() -> u64,
        now: Duration,
    ) -> Result<FetchKind, ErrorCode> {
        let mut sessions = self.sessions.lock().expect("no panic while sessions are looked up");
        if asked.epoch == INITIAL_EPOCH || asked.epoch == FINAL_EPOCH {
            sessions.remove(&asked.id);
            if asked.epoch == FINAL_EPOCH || wanted.is_empty() {
                return Ok(FetchKind::Full { session: None });
            }
            let session = self.insert(&mut sessions, asked.by_id, wanted, random, now);
            return Ok(FetchKind::Full { session });
        }
        let cached = sessions.get_mut(&asked.id).ok_or(ErrorCode::FetchSessionIdNotFound)?;
        let shared = cached.session.clone();
        let mut session = shared.lock().expect("no panic while a session is changed");
        if session.epoch != asked.epoch {
            return Err(ErrorCode::InvalidFetchSessionEpoch);
        }
        if session.by_id != asked.by_id {
            return Err(ErrorCode::FetchSessionTopicIdError);
        }
        cached.last_used = now;
        drop(sessions);
        session.epoch = if session.epoch == i32::MAX { 1 } else { session.epoch + 1 };
        for (topic, partition) in forgotten {
            session.forget(topic, partition);
        }
        wanted.iter().for_each(|wanted| session.want(wanted));
        drop(session);
        Ok(FetchKind::Incremental { id: asked.id, session: shared })
    }

    fn insert(
        &self,
        sessions: &mut HashMap<i32, Cached>,
        by_id: bool,
        wanted: &[Wanted],
        mut random: impl FnMut() -> u64,
        now: Duration,
    ) -> Option<(i32, Arc<Mutex<Session>>)> {
        if sessions.len() >= self.sessions_max {
            let oldest = sessions.iter().min_by_key(|(_, cached)| cached.last_used)?;
            if now.saturating_sub(oldest.1.last_used) < EVICTED_AFTER {
                return None;
            }
            let id = *oldest.0;
            sessions.remove(&id);
        }
        let id = loop {
            let id = (random() >> 33) as i32;
            if id != 0 && !sessions.contains_key(&id) {
                break id;
            }
        };
        let session = Arc::new(Mutex::new(Session::new(by_id, wanted)));
        sessions.insert(id, Cached { session: session.clone(), last_used: now });
        Some((id, session))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(topic: &'static str, partition: i32) -> Wanted {
        Wanted {
            topic: TopicKey::Name(KString::from_static(topic)),
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
            Self { cache: SessionCache::new(sessions_max), random: 0 }
        }

        fn ask(
            &mut self,
            id: i32,
            epoch: i32,
            partitions: &[Wanted],
            now_s: u64,
        ) -> Result<FetchKind, ErrorCode> {
            let random = || {
                self.random += 1 << 33;
                self.random
            };
            let asked = Asked { id, epoch, by_id: false };
            self.cache.begin(asked, partitions, Vec::new(), random, Duration::from_secs(now_s))
        }

        fn open(&mut self, now_s: u64) -> Option<i32> {
            match self.ask(0, INITIAL_EPOCH, &[wanted("t", 0)], now_s) {
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
            assert!(matches!(clients.ask(id, epoch, &[], 0), Ok(FetchKind::Incremental { .. })));
        }
        assert_eq!(clients.ask(id, 3, &[], 0).unwrap_err(), ErrorCode::InvalidFetchSessionEpoch);
        assert_eq!(clients.ask(id + 1, 1, &[], 0).unwrap_err(), ErrorCode::FetchSessionIdNotFound);
        assert!(matches!(clients.ask(id, 4, &[], 0), Ok(FetchKind::Incremental { .. })));
    }

    #[test]
    fn the_final_epoch_ends_a_session_and_answers_in_full() {
        let mut clients = Clients::new(10);
        let id = clients.open(0).expect("a session");
        assert!(matches!(
            clients.ask(id, FINAL_EPOCH, &[wanted("t", 0)], 0),
            Ok(FetchKind::Full { session: None })
        ));
        assert_eq!(clients.ask(id, 1, &[], 0).unwrap_err(), ErrorCode::FetchSessionIdNotFound);
    }

    #[test]
    fn a_session_by_name_is_not_continued_by_id() {
        let mut clients = Clients::new(10);
        let id = clients.open(0).expect("a session");
        let asked = Asked { id, epoch: 1, by_id: true };
        let refused = clients.cache.begin(asked, &[], Vec::new(), || 0, Duration::ZERO);
        assert_eq!(refused.unwrap_err(), ErrorCode::FetchSessionTopicIdError);
    }

    #[test]
    fn a_full_cache_gives_no_session_until_one_is_stale() {
        let mut clients = Clients::new(2);
        let first = clients.open(0).expect("room for one");
        clients.open(100).expect("room for two");
        assert_eq!(clients.open(110), None);
        assert!(clients.open(120).is_some(), "the first was unused for 120 s");
        assert_eq!(clients.ask(first, 1, &[], 121).unwrap_err(), ErrorCode::FetchSessionIdNotFound);
    }

    #[test]
    fn partitions_are_added_changed_forgotten_and_rotated() {
        let mut session = Session::new(false, &[wanted("t", 0), wanted("t", 1), wanted("u", 0)]);
        session.forget(TopicKey::Name(KString::from_static("t")), PartitionIndex(1));
        session.want(&Wanted { fetch_offset: 7, ..wanted("t", 0) });
        session.want(&wanted("v", 0));
        let first = session.partitions().next().map(|(place, _)| place).expect("three partitions");
        session.move_to_end(first);
        let order: Vec<_> = session
            .partitions()
            .map(|(_, p)| (p.wanted.topic.clone(), p.wanted.fetch_offset))
            .collect();
        let name = |text: &'static str| TopicKey::Name(KString::from_static(text));
        assert_eq!(order, [(name("u"), 0), (name("v"), 0), (name("t"), 7)]);
    }

    #[test]
    fn only_changes_and_errors_are_told() {
        let mut partition = SessionPartition { wanted: wanted("t", 0), told: Told::NOTHING };
        let state = |hw| Told { high_watermark: hw, last_stable_offset: hw, log_start_offset: 0 };
        assert!(partition.must_answer(state(5), false, false), "never told before");
        assert!(!partition.must_answer(state(5), false, false));
        assert!(partition.must_answer(state(5), true, false), "records");
        assert!(partition.must_answer(state(6), false, false), "the high watermark moved");
        assert!(partition.must_answer(state(6), false, true), "an error");
        assert!(partition.must_answer(state(6), false, false), "told again after an error");
        assert!(!partition.must_answer(state(6), false, false));
    }
}
