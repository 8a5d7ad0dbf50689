//! The keys of the service's records. They begin with `service/`.

use std::fmt;

use uuid::Uuid;

use crate::arn::{ClusterUid, ConfigurationUid};

/// A key of the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ServiceKey<'a> {
    /// `clusters/{uid}`, [`ManagedCluster`](crate::record::ManagedCluster).
    Cluster(ClusterUid),
    /// `names/{name}`: the uid of the cluster that has the name.
    ClusterName(&'a str),
    /// `addresses/{host}:{port}`: the uid of the cluster whose broker listens there.
    Address(&'a str),
    /// `address-cursor`: the address given out last.
    AddressCursor,
    /// `operations/{uid}/{created_ms}-{id}`,
    /// [`OperationRecord`](crate::operation::OperationRecord): of a cluster, in order of time.
    Operation(ClusterUid, i64, Uuid),
    /// `configurations/{uid}`, [`ConfigurationRecord`](crate::configuration::ConfigurationRecord).
    Configuration(ConfigurationUid),
    /// `configuration-names/{name}`: the uid of the configuration that has the name.
    ConfigurationName(&'a str),
    /// `configuration-uses/{uid}`: the revision that is used; written by a cluster that begins to
    /// use one.
    ConfigurationUse(ConfigurationUid),
    /// `revisions/{uid}/{number}`, [`RevisionRecord`](crate::configuration::RevisionRecord): of a
    /// configuration.
    Revision(ConfigurationUid, i64),
}

/// Below this are the clusters; their reconcilers watch it.
pub(crate) const CLUSTERS: &str = "service/clusters/";
pub(super) const ADDRESSES: &str = "service/addresses/";
pub(super) const CONFIGURATIONS: &str = "service/configurations/";

/// The prefix of a cluster's operations.
pub(super) fn operations_of(uid: &ClusterUid) -> String {
    format!("service/operations/{uid}/")
}

/// The prefix of a configuration's revisions.
pub(super) fn revisions_of(uid: &ConfigurationUid) -> String {
    format!("service/revisions/{uid}/")
}

impl<'a> ServiceKey<'a> {
    /// The key whose text this is.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let text = text.strip_prefix("service/")?;
        let Some((kind, rest)) = text.split_once('/') else {
            return (text == "address-cursor").then_some(Self::AddressCursor);
        };
        let configuration = |text: &str| ConfigurationUid::parse(text);
        Some(match kind {
            "clusters" => Self::Cluster(ClusterUid::parse(rest)?),
            "names" => Self::ClusterName(rest),
            "addresses" => Self::Address(rest),
            "operations" => {
                let (uid, rest) = rest.split_once('/')?;
                let (created_ms, id) = rest.split_once('-')?;
                let id = Uuid::try_parse(id).ok()?;
                Self::Operation(ClusterUid::parse(uid)?, created_ms.parse().ok()?, id)
            }
            "configurations" => Self::Configuration(configuration(rest)?),
            "configuration-names" => Self::ConfigurationName(rest),
            "configuration-uses" => Self::ConfigurationUse(configuration(rest)?),
            "revisions" => {
                let (uid, number) = rest.split_once('/')?;
                Self::Revision(configuration(uid)?, number.parse().ok()?)
            }
            _ => return None,
        })
    }
}

impl fmt::Display for ServiceKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cluster(uid) => write!(f, "{CLUSTERS}{uid}"),
            Self::ClusterName(name) => write!(f, "service/names/{name}"),
            Self::Address(endpoint) => write!(f, "{ADDRESSES}{endpoint}"),
            Self::AddressCursor => f.write_str("service/address-cursor"),
            Self::Operation(uid, created_ms, id) => {
                write!(f, "{}{created_ms:013}-{id}", operations_of(uid))
            }
            Self::Configuration(uid) => write!(f, "{CONFIGURATIONS}{uid}"),
            Self::ConfigurationName(name) => write!(f, "service/configuration-names/{name}"),
            Self::ConfigurationUse(uid) => write!(f, "service/configuration-uses/{uid}"),
            Self::Revision(uid, number) => write!(f, "{}{number:06}", revisions_of(uid)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_written_as_it_always_was_and_read_again() {
        let text = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6-2";
        let cluster = ClusterUid::parse(text).expect("a uid");
        let configuration = ConfigurationUid::parse(text).expect("a uid");
        let keys = [
            (ServiceKey::Cluster(cluster.clone()), format!("service/clusters/{text}")),
            (ServiceKey::ClusterName("c-1"), "service/names/c-1".to_owned()),
            (ServiceKey::Address("h:9092"), "service/addresses/h:9092".to_owned()),
            (ServiceKey::AddressCursor, "service/address-cursor".to_owned()),
            (
                ServiceKey::Operation(cluster, 12, Uuid::from_u128(1)),
                format!("service/operations/{text}/0000000000012-{}", Uuid::from_u128(1)),
            ),
            (
                ServiceKey::Configuration(configuration.clone()),
                format!("service/configurations/{text}"),
            ),
            (ServiceKey::ConfigurationName("n"), "service/configuration-names/n".to_owned()),
            (
                ServiceKey::ConfigurationUse(configuration.clone()),
                format!("service/configuration-uses/{text}"),
            ),
            (ServiceKey::Revision(configuration, 3), format!("service/revisions/{text}/000003")),
        ];
        for (key, text) in keys {
            assert_eq!(key.to_string(), text);
            assert_eq!(ServiceKey::parse(&text), Some(key));
        }
        assert_eq!(ServiceKey::parse("service/other/x"), None);
    }
}
