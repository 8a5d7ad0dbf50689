//! Incremental fetch sessions (KIP-227): the partitions of a client's earlier requests, so that it
//! need not send them again, and the offsets it was sent, so that responses have changes only.
//!
//! Invariants: the cache holds at most as many sessions as it was made for, and all those of the
//! process stay within its memory for them: beyond that, requests get none; a session's epoch rises
//! by one with each response; partitions are visited in the order of the request, those that had
//! records or failed move to the end so that none starves: a fetch has few reads of objects. Not
//! here: logs. The caller reads the partitions that [`Session::partitions_from`] lists;
//! [`SessionPartition::must_include`] decides whether a response has them.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use milena_protocol::ErrorCode;
use milena_types::PartitionIndex;

use crate::{
    memory::count::{ByteCount, Counted},
    topic_ref::OwnedTopicRef,
};

/// Asks for a new session, or for none when the session id says so too
/// (`FetchMetadata.INITIAL_EPOCH`).
pub(crate) const INITIAL_EPOCH: i32 = 0;
/// Ends the session (`FetchMetadata.FINAL_EPOCH`).
pub(crate) const FINAL_EPOCH: i32 = -1;
/// The approximate bytes of a partition in memory (an entry in each of two maps), without its
/// topic's name.
const PARTITION_BYTES: usize = 384;
/// A session that was not used for so long may be replaced by a new one.
const EVICTED_AFTER: Duration = Duration::from_secs(120);

/// A partition of a Fetch request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct FetchPartition {
    pub(crate) topic: OwnedTopicRef,
    pub(crate) partition: PartitionIndex,
    pub(crate) current_leader_epoch: i32,
    pub(crate) fetch_offset: i64,
    pub(crate) last_fetched_epoch: i32,
    pub(crate) bytes_max: i32,
}

/// The offsets of a partition that a response has besides its records.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct PartitionOffsets {
    pub(crate) high_watermark: i64,
    pub(crate) last_stable_offset: i64,
    pub(crate) log_start_offset: i64,
}

impl PartitionOffsets {
    /// Of a partition that cannot be read, and of one that the client knows nothing of yet.
    pub(crate) const UNKNOWN: Self =
        Self { high_watermark: -1, last_stable_offset: -1, log_start_offset: -1 };
}

/// A partition of a session.
#[derive(Clone, Debug)]
pub(crate) struct SessionPartition {
    pub(crate) requested: FetchPartition,
    /// The offsets that the client was sent last.
    known: PartitionOffsets,
}

impl SessionPartition {
    /// Whether an incremental response has to include the partition. Keeps `now` as the offsets
    /// that the client has after it.
    pub(crate) fn must_include(
        &mut self,
        now: PartitionOffsets,
        has_records: bool,
        failed: bool,
    ) -> bool {
        let changed = self.known != now;
        // After an error the offsets are sent again as soon as they are known.
        self.known = if failed { PartitionOffsets::UNKNOWN } else { now };
        has_records || failed || changed
    }
}

/// The partitions one client fetches.
#[derive(Debug, Default)]
pub(crate) struct Session {
    epoch: i32,
    by_id: bool,
    order: BTreeMap<u64, SessionPartition>,
    positions: HashMap<(OwnedTopicRef, PartitionIndex), u64>,
    next_position: u64,
    bytes: usize,
    counted: Option<Counted>,
}

impl Session {
    fn new(by_id: bool, requested: &[FetchPartition]) -> Self {
        let mut session = Self { epoch: 1, by_id, ..Self::default() };
        requested.iter().for_each(|requested| session.set_partition(requested));
        session
    }

    fn set_partition(&mut self, requested: &FetchPartition) {
        let topic = requested.topic.detached();
        let key = (topic.clone(), requested.partition);
        let requested = FetchPartition { topic, ..requested.clone() };
        let position = *self.positions.entry(key).or_insert_with(|| {
            self.next_position += 1;
            self.next_position
        });
        match self.order.entry(position) {
            std::collections::btree_map::Entry::Occupied(mut slot) => {
                slot.get_mut().requested = requested;
            }
            std::collections::btree_map::Entry::Vacant(slot) => {
                self.bytes += partition_bytes(&requested);
                slot.insert(SessionPartition { requested, known: PartitionOffsets::UNKNOWN });
            }
        }
    }

    /// Adds or changes partitions, if there is memory for them.
    fn grow(&mut self, requested: &[FetchPartition]) -> bool {
        // Those that it has already count twice until it is known which they are.
        let added: usize = requested.iter().map(partition_bytes).sum();
        let bytes = self.bytes + added;
        if added > 0 && self.counted.as_mut().is_some_and(|counted| !counted.try_set(bytes)) {
            return false;
        }
        requested.iter().for_each(|requested| self.set_partition(requested));
        if let Some(counted) = &mut self.counted {
            counted.set(self.bytes);
        }
        true
    }

    fn forget(&mut self, topic: OwnedTopicRef, partition: PartitionIndex) {
        if let Some(position) = self.positions.remove(&(topic, partition))
            && let Some(forgotten) = self.order.remove(&position)
        {
            self.bytes -= partition_bytes(&forgotten.requested);
        }
    }

    /// The partitions from a position on, in the order in which they are read, each with its
    /// position.
    pub(crate) fn partitions_from(
        &self,
        position: u64,
    ) -> impl Iterator<Item = (u64, &SessionPartition)> {
        self.order.range(position..).map(|(position, partition)| (*position, partition))
    }

    pub(crate) fn len(&self) -> usize {
        self.order.len()
    }

    pub(crate) fn partition(&mut self, position: u64) -> Option<&mut SessionPartition> {
        self.order.get_mut(&position)
    }

    pub(crate) fn position_of(&self, requested: &FetchPartition) -> Option<u64> {
        self.positions.get(&(requested.topic.clone(), requested.partition)).copied()
    }

    /// For a partition that had records, or failed: others come first next time.
    pub(crate) fn move_to_end(&mut self, position: u64) {
        if let Some(partition) = self.order.remove(&position) {
            self.next_position += 1;
            let key = (partition.requested.topic.clone(), partition.requested.partition);
            self.positions.insert(key, self.next_position);
            self.order.insert(self.next_position, partition);
        }
    }
}

/// The kind of a Fetch request (KIP-227).
#[derive(Debug)]
pub(crate) enum FetchKind {
    /// All partitions are in the request, and all in the response. The session id is 0 if none was
    /// made.
    Full { session: Option<(i32, Arc<Mutex<Session>>)> },
    /// The partitions are the session's, and the response has changes only.
    Incremental { id: i32, session: Arc<Mutex<Session>> },
}

fn partition_bytes(partition: &FetchPartition) -> usize {
    let name = match &partition.topic {
        OwnedTopicRef::Name(name) => name.len(),
        OwnedTopicRef::Id(_) => 0,
    };
    PARTITION_BYTES + name
}

struct CachedSession {
    session: Arc<Mutex<Session>>,
    last_used: Duration,
}

/// The sessions of one broker.
pub(crate) struct SessionCache {
    sessions: Mutex<HashMap<i32, CachedSession>>,
    sessions_max: usize,
    memory: ByteCount,
}

/// The session fields of a Fetch request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SessionRequest {
    pub(crate) id: i32,
    pub(crate) epoch: i32,
    /// Topics are named by id (version 13 on).
    pub(crate) by_id: bool,
}

impl SessionCache {
    pub(crate) fn new(sessions_max: usize, memory: ByteCount) -> Self {
        Self { sessions: Mutex::default(), sessions_max, memory }
    }

    /// Finds or makes the session of a request and brings it up to date. `random` makes the ids of
    /// new sessions, so that none is guessed by accident. `now` is monotonic.
    ///
    /// Errors: FETCH_SESSION_ID_NOT_FOUND, INVALID_FETCH_SESSION_EPOCH,
    /// FETCH_SESSION_TOPIC_ID_ERROR. The client then starts again with a full fetch.
    pub(crate) fn begin(
        &self,
        request: SessionRequest,
        requested: &[FetchPartition],
        forgotten: Vec<(OwnedTopicRef, PartitionIndex)>,
        random: impl FnMut() -> u64,
        now: Duration,
    ) -> Result<FetchKind, ErrorCode> {
        if request.epoch == INITIAL_EPOCH || request.epoch == FINAL_EPOCH {
            self.lock().remove(&request.id);
            if request.epoch == FINAL_EPOCH || requested.is_empty() {
                return Ok(FetchKind::Full { session: None });
            }
            let session = self.insert(request.by_id, requested, random, now);
            return Ok(FetchKind::Full { session });
        }
        let mut sessions = self.lock();
        let cached = sessions.get_mut(&request.id).ok_or(ErrorCode::FetchSessionIdNotFound)?;
        let shared = cached.session.clone();
        let mut session = shared.lock().expect("no panic while a session is changed");
        if session.epoch != request.epoch {
            return Err(ErrorCode::InvalidFetchSessionEpoch);
        }
        if session.by_id != request.by_id {
            return Err(ErrorCode::FetchSessionTopicIdError);
        }
        cached.last_used = now;
        drop(sessions);
        for (topic, partition) in forgotten {
            session.forget(topic, partition);
        }
        if !session.grow(requested) {
            drop(session);
            self.lock().remove(&request.id);
            return Err(ErrorCode::FetchSessionIdNotFound);
        }
        session.epoch = if session.epoch == i32::MAX { 1 } else { session.epoch + 1 };
        drop(session);
        Ok(FetchKind::Incremental { id: request.id, session: shared })
    }

    /// A new session, if there is room for one. No lock is held while it is made: it may be large.
    fn insert(
        &self,
        by_id: bool,
        requested: &[FetchPartition],
        mut random: impl FnMut() -> u64,
        now: Duration,
    ) -> Option<(i32, Arc<Mutex<Session>>)> {
        let mut counted = self.memory.empty();
        let bytes = requested.iter().map(partition_bytes).sum();
        while self.lock().len() >= self.sessions_max || !counted.try_set(bytes) {
            self.evict_oldest(now)?;
        }
        let mut session = Session::new(by_id, requested);
        counted.set(session.bytes);
        session.counted = Some(counted);
        let session = Arc::new(Mutex::new(session));
        let mut sessions = self.lock();
        if sessions.len() >= self.sessions_max {
            return None;
        }
        let id = loop {
            let id = (random() >> 33) as i32;
            if id != 0 && !sessions.contains_key(&id) {
                break id;
            }
        };
        sessions.insert(id, CachedSession { session: session.clone(), last_used: now });
        Some((id, session))
    }

    /// Removes the session that was not used for longest, if it may be.
    fn evict_oldest(&self, now: Duration) -> Option<()> {
        let mut sessions = self.lock();
        let (id, oldest) = sessions.iter().min_by_key(|(id, cached)| (cached.last_used, **id))?;
        if now.saturating_sub(oldest.last_used) < EVICTED_AFTER {
            return None;
        }
        let id = *id;
        sessions.remove(&id);
        Some(())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<i32, CachedSession>> {
        self.sessions.lock().expect("no panic while sessions are looked up")
    }
}

#[cfg(test)]
mod tests;
