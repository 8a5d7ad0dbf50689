//! Which connections there are, and which one ends when another does not fit.
//!
//! There are at most [`CONNECTIONS_MAX`], and [`PER_ADDRESS_MAX`] of one address. A new connection
//! that does not fit ends the one that has waited for its client longest (for a request, for the
//! rest of one, or until a response is read), those that never had an accepted signature first: so
//! whoever only occupies connections loses them to whoever uses one. What a request is being
//! handled on is never ended; where all are such, the new one is.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use tokio::sync::Notify;

pub(super) const CONNECTIONS_MAX: usize = 256;
const PER_ADDRESS_MAX: usize = 128;

/// All connections of the API.
#[derive(Default)]
pub(super) struct Connections {
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    next_id: u64,
    entries: BTreeMap<u64, Entry>,
}

struct Entry {
    address: IpAddr,
    /// A request on it had an accepted signature.
    signed: bool,
    /// Since when it waits for its client; `None` while a request is handled.
    waiting_since: Option<Duration>,
    end: Arc<Notify>,
}

/// One connection, which is forgotten when this is dropped.
pub(super) struct Admitted {
    connections: Arc<Connections>,
    id: u64,
    end: Arc<Notify>,
}

impl Connections {
    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().expect("no panic happens under this lock")
    }

    /// Takes a new connection in, at the expense of another one where there are too many. `None`:
    /// it does not fit. `now` is the monotonic time.
    pub(super) fn admit(self: &Arc<Self>, peer: IpAddr, now: Duration) -> Option<Admitted> {
        let address = group(peer);
        let mut open = self.open();
        let of_address = open.entries.values().filter(|entry| entry.address == address).count();
        if of_address >= PER_ADDRESS_MAX {
            open.end_one(|entry| entry.address == address)?;
        } else if open.entries.len() >= CONNECTIONS_MAX {
            open.end_one(|_| true)?;
        }
        let (id, end) = (open.next_id, Arc::new(Notify::new()));
        open.next_id += 1;
        let entry = Entry { address, signed: false, waiting_since: Some(now), end: end.clone() };
        open.entries.insert(id, entry);
        Some(Admitted { connections: self.clone(), id, end })
    }
}

impl Open {
    /// Ends one of the connections that `may_end` names, if any of them waits for its client.
    fn end_one(&mut self, may_end: impl Fn(&Entry) -> bool) -> Option<()> {
        let waiting = self.entries.iter().filter(|(_, entry)| may_end(entry));
        let waiting =
            waiting.filter_map(|(id, entry)| Some((entry.signed, entry.waiting_since?, *id)));
        let (_, _, id) = waiting.min()?;
        let entry = self.entries.remove(&id)?;
        entry.end.notify_one();
        Some(())
    }
}

impl Admitted {
    /// Completes when the connection is to end for another one.
    pub(super) async fn ended(&self) {
        self.end.notified().await;
    }

    /// The signature of a request was accepted.
    pub(super) fn signed(&self) {
        self.change(|entry| entry.signed = true);
    }

    /// A request has arrived and is being handled.
    pub(super) fn handling(&self) {
        self.change(|entry| entry.waiting_since = None);
    }

    /// A response is there for the client to read.
    pub(super) fn waiting(&self, now: Duration) {
        self.change(|entry| entry.waiting_since = Some(now));
    }

    fn change(&self, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.connections.open().entries.get_mut(&self.id) {
            change(entry);
        }
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.connections.open().entries.remove(&self.id);
    }
}

/// What counts as one address: an IPv4 address, or the 64 bits of an IPv6 network, of which one
/// customer has all.
fn group(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            let network = u128::from(address) & (u128::MAX << 64);
            IpAddr::V6(network.into())
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn peer(number: u8) -> IpAddr {
        [10, 0, 0, number].into()
    }

    fn is_ended(connection: &Admitted) -> bool {
        connection.ended().now_or_never().is_some()
    }

    #[test]
    fn an_address_that_has_too_many_loses_the_one_that_waits_longest() {
        let connections = Arc::new(Connections::default());
        let mut admit = |now| connections.admit(peer(1), at(now)).unwrap();
        let all: Vec<_> = (0..PER_ADDRESS_MAX as u64).map(&mut admit).collect();
        // The oldest has had an accepted signature, the next one is in use.
        all[0].signed();
        all[1].handling();
        let other = connections.admit(peer(2), at(0)).unwrap();
        let more: Vec<_> = (1000..1002).map(|now| connections.admit(peer(1), at(now))).collect();
        assert!(more.iter().all(Option::is_some));
        let ended: Vec<usize> = (0..all.len()).filter(|number| is_ended(&all[*number])).collect();
        assert_eq!((ended, is_ended(&other)), (vec![2, 3], false));
        all[1].waiting(at(2000));
        drop(more);
        assert_eq!(connections.open().entries.len(), PER_ADDRESS_MAX - 1);
    }

    #[test]
    fn what_is_in_use_stays_and_a_new_one_is_turned_away() {
        let connections = Arc::new(Connections::default());
        let all: Vec<_> = (0..CONNECTIONS_MAX)
            .map(|number| connections.admit(peer((number % 4) as u8), at(0)).unwrap())
            .collect();
        all.iter().for_each(Admitted::handling);
        assert!(connections.admit(peer(9), at(1)).is_none());
        all[7].waiting(at(1));
        assert!(connections.admit(peer(9), at(1)).is_some());
        assert!(is_ended(&all[7]));
        assert_eq!(connections.open().entries.len(), CONNECTIONS_MAX - 1);
    }

    #[test]
    fn an_ipv6_network_is_one_address() {
        let group = |text: &str| group(text.parse().unwrap()).to_string();
        assert_eq!(group("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!((group("::ffff:10.0.0.1"), group("::1")), ("10.0.0.1".into(), "::1".into()));
    }
}
