//! `--advertise HOST[:PORT]`: what clients are told of where brokers are.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use serde::{Deserialize, Serialize};

/// A host that clients reach this machine by, and the first port of its brokers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Advertised {
    /// A name, or an address without brackets.
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
}

impl Advertised {
    /// The local addresses that brokers listen on: all of this machine, since the address that
    /// clients know may be of something before it, such as a container's host.
    pub(crate) fn bind(&self) -> IpAddr {
        if self.host.parse::<Ipv6Addr>().is_ok() {
            // Takes IPv4 connections too, where the system has not been told otherwise.
            IpAddr::V6(Ipv6Addr::UNSPECIFIED)
        } else {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED)
        }
    }
}

impl FromStr for Advertised {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |what: &str| {
            Err(format!(
                "'{text}' {what}; give the host name or address that clients reach this machine \
                 by, as in kafka.example, kafka.example:9092, 10.0.0.5:9092 or [2001:db8::5]:9092"
            ))
        };
        let (host, port) = match split(text) {
            Some(parts) => parts,
            None => return wrong("is not a host with an optional port"),
        };
        let port = match port.map(str::parse::<u16>) {
            None => None,
            Some(Ok(port @ 1..)) => Some(port),
            Some(_) => return wrong("has no port of 1 to 65535 behind the colon"),
        };
        match host.parse::<IpAddr>() {
            Ok(address) if address.is_unspecified() => {
                wrong("is no address that a client can connect to")
            }
            Ok(address) => Ok(Self { host: address.to_string(), port }),
            Err(_) if is_host_name(host) => Ok(Self { host: host.to_owned(), port }),
            Err(_) => wrong("is neither a host name nor an address"),
        }
    }
}

/// Host and port. An IPv6 address has colons of its own: with a port it stands in brackets.
fn split(text: &str) -> Option<(&str, Option<&str>)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        host.parse::<Ipv6Addr>().ok()?;
        return match rest {
            "" => Some((host, None)),
            _ => Some((host, Some(rest.strip_prefix(':')?))),
        };
    }
    if text.parse::<Ipv6Addr>().is_ok() {
        return Some((text, None));
    }
    match text.split_once(':') {
        None => Some((text, None)),
        Some((host, port)) => Some((host, Some(port))),
    }
}

/// Labels of letters, digits, hyphens and underscores. The last one has a letter: else the name is
/// a mistyped address.
fn is_host_name(text: &str) -> bool {
    let name = text.strip_suffix('.').unwrap_or(text);
    let is_label = |label: &str| {
        let allowed = label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        (1..=63).contains(&label.len())
            && allowed
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = name.rsplit('.').next().unwrap_or_default();
    name.len() <= 253
        && name.split('.').all(is_label)
        && last.bytes().any(|b| b.is_ascii_alphabetic())
}

impl fmt::Display for Advertised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = &self.host;
        match self.port {
            None => f.write_str(host),
            Some(port) if host.contains(':') => write!(f, "[{host}]:{port}"),
            Some(port) => write!(f, "{host}:{port}"),
        }
    }
}

impl TryFrom<String> for Advertised {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Advertised> for String {
    fn from(advertised: Advertised) -> Self {
        advertised.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_with_and_without_ports_are_read() {
        for (text, host, port, bind) in [
            ("kafka.example", "kafka.example", None, "0.0.0.0"),
            ("foo:9092", "foo", Some(9092), "0.0.0.0"),
            ("10.0.0.5:19092", "10.0.0.5", Some(19092), "0.0.0.0"),
            ("::1", "::1", None, "::"),
            ("[::1]:9093", "::1", Some(9093), "::"),
            ("2001:db8::5", "2001:db8::5", None, "::"),
            ("[2001:DB8:0::5]", "2001:db8::5", None, "::"),
            ("127.0.0.1", "127.0.0.1", None, "0.0.0.0"),
            ("localhost:9092", "localhost", Some(9092), "0.0.0.0"),
            ("my_host-1", "my_host-1", None, "0.0.0.0"),
        ] {
            let found: Advertised = text.parse().unwrap();
            assert_eq!((found.host.as_str(), found.port), (host, port), "{text}");
            assert_eq!(found.bind().to_string(), bind, "{text}");
            assert_eq!(found.to_string().parse(), Ok(found), "{text}");
        }
    }

    #[test]
    fn nonsense_is_refused_with_examples() {
        for text in [
            "",
            " ",
            "a b",
            ":9092",
            "foo:",
            "foo:0",
            "foo:65536",
            "foo:x",
            "foo:1:2",
            "http://foo",
            "foo/bar",
            "[::1",
            "[::1]x",
            "[foo]:1",
            "0.0.0.0",
            "[::]:9092",
            "300.1.2.3",
            "1.2.3",
            "-foo",
            "foo..bar",
            "9092",
        ] {
            let error = text.parse::<Advertised>().unwrap_err();
            assert!(error.contains("kafka.example:9092"), "{text}: {error}");
        }
    }
}
