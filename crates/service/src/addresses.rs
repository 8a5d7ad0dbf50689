//! Addresses for brokers: a loopback address each with MSK's port, or one address and a port each.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    str::FromStr,
};

use serde::{Deserialize, Serialize};

/// MSK's port of the plaintext listener.
pub const PLAINTEXT_PORT: u16 = 9092;

/// A broker's listener, and its host for clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokerAddress {
    /// The local address.
    pub bind: SocketAddr,
    /// The host for clients; the port is that of `bind`.
    pub host: String,
}

impl BrokerAddress {
    /// `host:port` as in a bootstrap string.
    pub fn endpoint(&self) -> String {
        let port = self.bind.port();
        if self.host.contains(':') {
            format!("[{}]:{port}", self.host)
        } else {
            format!("{}:{port}", self.host)
        }
    }
}

/// The addresses that there are, by index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AddressPlan {
    /// An address of this network each, with MSK's port. Needs Linux, where all of 127.0.0.0/8 is
    /// local.
    Loopbacks(LoopbackNetwork),
    /// A port of one address each.
    Ports {
        /// The local address.
        bind: IpAddr,
        /// The host that clients are told.
        host: String,
        first: u16,
    },
}

impl AddressPlan {
    /// One more than the largest index.
    pub(crate) fn count(&self) -> u32 {
        match self {
            Self::Loopbacks(network) => network.size(),
            Self::Ports { first, .. } => u32::from(u16::MAX - first) + 1,
        }
    }

    /// Whether a broker that has this address may keep it.
    pub(crate) fn has(&self, address: &BrokerAddress) -> bool {
        match self {
            // Of any network: the setting is about new clusters.
            Self::Loopbacks(_) => {
                address.bind.port() == PLAINTEXT_PORT
                    && address.bind.ip().is_loopback()
                    && address.host == address.bind.ip().to_string()
            }
            Self::Ports { bind, host, first } => {
                address.bind.ip() == *bind && address.host == *host && address.bind.port() >= *first
            }
        }
    }

    /// The address with that port, where brokers have a port each.
    pub(crate) fn at_port(&self, port: u16) -> Option<BrokerAddress> {
        match self {
            Self::Loopbacks(_) => None,
            Self::Ports { first, .. } => self.address(u32::from(port.checked_sub(*first)?)),
        }
    }

    /// The address of an index; `None` where the address is better left unused.
    pub(crate) fn address(&self, index: u32) -> Option<BrokerAddress> {
        match self {
            Self::Loopbacks(network) => {
                let address = network.address(index)?;
                let bind = SocketAddr::new(IpAddr::V4(address), PLAINTEXT_PORT);
                Some(BrokerAddress { bind, host: address.to_string() })
            }
            Self::Ports { bind, host, first } => {
                let port = first.checked_add(u16::try_from(index).ok()?)?;
                Some(BrokerAddress { bind: SocketAddr::new(*bind, port), host: host.clone() })
            }
        }
    }
}

/// A part of 127.0.0.0/8, such as `127.77.0.0/16`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoopbackNetwork {
    base: u32,
    prefix: u32,
}

impl LoopbackNetwork {
    /// `127.77.0.0/16`.
    pub const DEFAULT: Self = Self { base: u32::from_be_bytes([127, 77, 0, 0]), prefix: 16 };

    fn size(self) -> u32 {
        1 << (32 - self.prefix)
    }

    /// The address of an index; `None` for those that end in 0 or 255, which look like networks and
    /// broadcasts.
    fn address(self, index: u32) -> Option<Ipv4Addr> {
        let address = Ipv4Addr::from(self.base + index);
        (!matches!(address.octets()[3], 0 | 255)).then_some(address)
    }
}

impl FromStr for LoopbackNetwork {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/');
        let parsed = parts.and_then(|(address, prefix)| {
            Some((address.parse::<Ipv4Addr>().ok()?, prefix.parse::<u32>().ok()?))
        });
        match parsed {
            Some((address, prefix)) if address.octets()[0] == 127 && (8..=30).contains(&prefix) => {
                let mask = u32::MAX << (32 - prefix);
                Ok(Self { base: u32::from(address) & mask, prefix })
            }
            _ => Err(format!(
                "'{text}' is not a part of 127.0.0.0/8; give one such as 127.77.0.0/16 (8 to 30 \
                 bits)"
            )),
        }
    }
}

impl std::fmt::Display for LoopbackNetwork {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", Ipv4Addr::from(self.base), self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn network(text: &str) -> LoopbackNetwork {
        text.parse().unwrap()
    }

    #[test]
    fn only_parts_of_the_loopback_network_are_taken() {
        assert_eq!(network("127.77.3.9/16"), LoopbackNetwork::DEFAULT);
        assert_eq!(network("127.77.3.9/24").to_string(), "127.77.3.0/24");
        for text in ["", "127.0.0.1", "10.0.0.0/8", "127.0.0.0/31", "127.0.0.0/x", "127.0.0/16"] {
            assert!(text.parse::<LoopbackNetwork>().is_err(), "{text}");
        }
    }

    #[test]
    fn every_address_of_a_network_comes_up_once_and_none_looks_like_a_network() {
        let plan = AddressPlan::Loopbacks(network("127.1.0.0/23"));
        let all: BTreeSet<String> =
            (0..plan.count()).filter_map(|i| plan.address(i)).map(|a| a.endpoint()).collect();
        assert_eq!(all.len(), 508);
        assert!(all.contains("127.1.0.1:9092") && all.contains("127.1.1.254:9092"));
        assert!(!all.contains("127.1.1.0:9092") && !all.contains("127.1.0.255:9092"));
    }

    #[test]
    fn ports_end_where_ports_end() {
        let bind = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let plan = AddressPlan::Ports { bind, host: "::1".to_owned(), first: 65_534 };
        let all: Vec<String> =
            (0..9).filter_map(|i| plan.address(i)).map(|a| a.endpoint()).collect();
        assert_eq!(
            (plan.count(), all),
            (2, vec!["[::1]:65534".to_owned(), "[::1]:65535".to_owned()])
        );
    }
}
