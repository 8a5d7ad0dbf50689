//! How many connections there may be: of all clients (`max.connections`), and of each address
//! (`max.connections.per.ip`, `max.connections.per.ip.overrides`).
//!
//! The limits are read for every new connection, so that changing them while the broker runs takes
//! effect at once; connections that are there already stay.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use milena_kafka_config::EffectiveConfig;

/// Counts the connections that are open. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct ConnectionSlots {
    open: Arc<Mutex<OpenCounts>>,
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
}

impl ConnectionSlots {
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
        open.all += 1;
        open.by_address.insert(address, count + 1);
        Ok(ConnectionSlot { slots: self.clone(), address })
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
        let slots = ConnectionSlots::default();
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
        let slots = ConnectionSlots::default();
        let _first = slots.take(address("127.0.0.1"), server.at_start()).expect("no limit");
        let cluster: Configs = [("max.connections".to_owned(), "1".to_owned())].into();
        let refused = slots.take(address("127.0.0.1"), server.effective(None, Some(&cluster)));
        assert_eq!(refused.unwrap_err(), NoSlot::TooMany(1));
    }
}
