//! How many connections there may be: of all clients (`max.connections`), of each address
//! (`max.connections.per.ip`, `max.connections.per.ip.overrides`), and of all brokers of the process
//! together, by its descriptors and its memory ([`ConnectionPool`]).
//!
//! The limits are read for every new connection, so that changing them while the broker runs takes
//! effect at once; connections that are there already stay.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use milena_kafka_config::EffectiveConfig;

/// The connections that the brokers of a process may have together. Each has a floor, so that one
/// listener's clients cannot keep those of another out; the rest is for who comes first. Clones
/// share it.
#[derive(Clone, Debug)]
pub struct ConnectionPool {
    all: usize,
    floor: usize,
    state: Arc<Mutex<Pool>>,
}

#[derive(Debug, Default)]
struct Pool {
    listeners: usize,
    /// Connections beyond the floors.
    beyond: usize,
}

/// What each listener has in any case.
const FLOOR: usize = 16;

impl ConnectionPool {
    /// `all` connections.
    pub fn new(all: usize) -> Self {
        Self { all, floor: FLOOR, state: Arc::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Pool> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for ConnectionPool {
    fn default() -> Self {
        Self::new(usize::MAX)
    }
}

/// Counts a listener while it is there.
#[derive(Debug)]
struct PoolMember(ConnectionPool);

impl PoolMember {
    /// A connection beyond the floor, if there may be another.
    fn take_beyond(&self) -> bool {
        let mut state = self.0.lock();
        let floors = state.listeners.saturating_mul(self.0.floor);
        let is_free = state.beyond < self.0.all.saturating_sub(floors);
        state.beyond += usize::from(is_free);
        is_free
    }
}

impl Drop for PoolMember {
    fn drop(&mut self) {
        self.0.lock().listeners -= 1;
    }
}

/// Counts the connections that are open. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct ConnectionSlots {
    open: Arc<Mutex<OpenCounts>>,
    member: Arc<PoolMember>,
}

#[derive(Debug, Default)]
struct OpenCounts {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// A connection's slot, taken until this is dropped.
#[derive(Debug)]
pub(crate) struct ConnectionSlot {
    slots: ConnectionSlots,
    address: IpAddr,
    is_beyond_floor: bool,
}

/// Why a connection gets no slot.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoSlot {
    #[error("{0} connections are open: raise max.connections or close idle clients")]
    TooMany(usize),
    #[error(
        "{0} connections of this address are open: raise max.connections.per.ip or close idle \
         clients"
    )]
    TooManyOfAddress(usize),
    #[error(
        "the process has no room for more connections: raise the limit of open files (ulimit -n) or \
         the memory, or close idle clients"
    )]
    NoneLeft,
}

impl ConnectionSlots {
    pub(crate) fn new(pool: &ConnectionPool) -> Self {
        pool.lock().listeners += 1;
        Self { open: Arc::default(), member: Arc::new(PoolMember(pool.clone())) }
    }

    /// A slot for a connection from `address`.
    pub(crate) fn take(
        &self,
        address: IpAddr,
        config: EffectiveConfig<'_>,
    ) -> Result<ConnectionSlot, NoSlot> {
        let address = address.to_canonical();
        let all = config.max_connections();
        let of_address = limit_of(address, &config.max_connections_per_ip_overrides())
            .unwrap_or_else(|| config.max_connections_per_ip());
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.all >= all {
            return Err(NoSlot::TooMany(open.all));
        }
        let count = open.by_address.get(&address).copied().unwrap_or(0);
        if count >= of_address {
            return Err(NoSlot::TooManyOfAddress(count));
        }
        let is_beyond_floor = open.all >= self.member.0.floor;
        if is_beyond_floor && !self.member.take_beyond() {
            return Err(NoSlot::NoneLeft);
        }
        open.all += 1;
        open.by_address.insert(address, count + 1);
        Ok(ConnectionSlot { slots: self.clone(), address, is_beyond_floor })
    }
}

/// The limit of an address in a list of `address:count`.
fn limit_of(address: IpAddr, overrides: &str) -> Option<usize> {
    overrides.split(',').find_map(|item| {
        let (host, limit) = item.trim().rsplit_once(':')?;
        let host: IpAddr = host.trim_matches(['[', ']']).parse().ok()?;
        (host.to_canonical() == address).then(|| limit.parse().ok())?
    })
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        let mut open = self.slots.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.all -= 1;
        if self.is_beyond_floor {
            self.slots.member.0.lock().beyond -= 1;
        }
        if let Some(count) = open.by_address.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                open.by_address.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use milena_kafka_config::{Configs, KafkaConfig};

    fn server(settings: &[(&str, &str)]) -> KafkaConfig {
        let settings: Configs =
            settings.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        KafkaConfig::new("4.1".parse().expect("a version"), &settings).expect("valid settings")
    }

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn an_address_has_its_own_limit_and_all_have_one_together() {
        let server = server(&[
            ("max.connections", "4"),
            ("max.connections.per.ip", "1"),
            ("max.connections.per.ip.overrides", "127.0.0.2:2,::1:0"),
        ]);
        let slots = ConnectionSlots::new(&ConnectionPool::default());
        let take = |from: &str| slots.take(address(from), server.at_start());
        let first = take("127.0.0.1").expect("the first of its address");
        assert_eq!(take("127.0.0.1").unwrap_err(), NoSlot::TooManyOfAddress(1));
        assert_eq!(
            take("::ffff:127.0.0.1").unwrap_err(),
            NoSlot::TooManyOfAddress(1),
            "the same address"
        );
        assert_eq!(take("::1").unwrap_err(), NoSlot::TooManyOfAddress(0));
        let others = [take("127.0.0.2"), take("127.0.0.2"), take("127.0.0.3")];
        assert!(others.iter().all(Result::is_ok));
        assert_eq!(take("127.0.0.4").unwrap_err(), NoSlot::TooMany(4));
        drop(first);
        assert!(take("127.0.0.1").is_ok());
        drop(others);
        assert!(slots.open.lock().expect("not poisoned").by_address.is_empty());
    }

    #[test]
    fn a_changed_limit_counts_for_the_next_connection() {
        let server = server(&[]);
        let slots = ConnectionSlots::new(&ConnectionPool::default());
        let _first = slots.take(address("127.0.0.1"), server.at_start()).expect("no limit");
        let cluster: Configs = [("max.connections".to_owned(), "1".to_owned())].into();
        let refused = slots.take(address("127.0.0.1"), server.effective(None, Some(&cluster)));
        assert_eq!(refused.unwrap_err(), NoSlot::TooMany(1));
    }

    #[test]
    fn clients_of_one_broker_leave_those_of_others_their_floor() {
        let server = server(&[]);
        let pool = ConnectionPool { floor: 2, ..ConnectionPool::new(7) };
        let (one, two) = (ConnectionSlots::new(&pool), ConnectionSlots::new(&pool));
        let take = |slots: &ConnectionSlots| slots.take(address("127.0.0.1"), server.at_start());
        let mut ones: Vec<ConnectionSlot> = (0..5).map(|_| take(&one).expect("room")).collect();
        assert_eq!(take(&one).unwrap_err(), NoSlot::NoneLeft);
        let twos = [take(&two), take(&two)];
        assert!(twos.iter().all(Result::is_ok), "its floor");
        assert_eq!(take(&two).unwrap_err(), NoSlot::NoneLeft);
        ones.pop();
        assert!(take(&two).is_ok(), "what one gives back is for all");
        drop((ones, twos));
        drop(one);
        let all: Vec<_> = std::iter::from_fn(|| take(&two).ok()).collect();
        assert_eq!(all.len(), 7, "nothing is kept for a listener that is gone");
    }
}
