//! ARNs of clusters, of resources below them, and of configurations.

use std::fmt;

use milena_runtime::Runtime;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::ApiError;

/// The last part of a cluster's ARN, never given twice: a UUID and a small number, `UUID-N`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct ClusterUid(String);

impl ClusterUid {
    pub(crate) fn random(runtime: &Runtime) -> Self {
        let number = runtime.random_u64() % 20 + 1;
        Self(format!("{}-{number}", random_uuid(runtime)))
    }

    pub(crate) fn uuid(&self) -> Uuid {
        let text = self.0.get(..36).unwrap_or_default();
        Uuid::try_parse(text).unwrap_or(Uuid::nil())
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (uuid, number) = (text.get(..36)?, text.get(36..)?.strip_prefix('-')?);
        let valid = Uuid::try_parse(uuid).is_ok() && number.parse::<u8>().is_ok();
        valid.then(|| Self(text.to_owned()))
    }
}

impl fmt::Display for ClusterUid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The last part of a configuration's ARN, of the same form.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct ConfigurationUid(ClusterUid);

impl ConfigurationUid {
    pub(crate) fn random(runtime: &Runtime) -> Self {
        Self(ClusterUid::random(runtime))
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        ClusterUid::parse(text).map(Self)
    }
}

impl fmt::Display for ConfigurationUid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A version 4 UUID.
pub(crate) fn random_uuid(runtime: &Runtime) -> Uuid {
    uuid::Builder::from_random_bytes(runtime.random_u128().to_be_bytes()).into_uuid()
}

/// `arn:aws:kafka:REGION:ACCOUNT:KIND/TAIL`, for any kind of resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Arn<'a> {
    pub(crate) kind: &'a str,
    pub(crate) tail: &'a str,
}

impl<'a> Arn<'a> {
    /// `parameter` is the member that the ARN came in.
    pub(crate) fn parse(text: &'a str, parameter: &str) -> Result<Self, ApiError> {
        let mut parts = text.splitn(6, ':');
        let head = [parts.next(), parts.next(), parts.next()];
        let resource = parts.nth(2).and_then(|resource| resource.split_once('/'));
        match (head, resource) {
            ([Some("arn"), Some(partition), Some("kafka")], Some((kind, tail)))
                if partition.starts_with("aws") && !tail.is_empty() =>
            {
                Ok(Self { kind, tail })
            }
            _ => Err(ApiError::invalid(
                parameter,
                format!(
                    "'{text}' is not an ARN of this service; they look like \
                     arn:aws:kafka:REGION:ACCOUNT:cluster/NAME/UUID-N"
                ),
            )),
        }
    }

    /// Name and uid of the cluster in `KIND/NAME/UUID-N[/REST]`, and the rest. `KIND` is `cluster`
    /// or a resource below one, such as `cluster-operation`.
    pub(crate) fn cluster(&self) -> Option<(&'a str, ClusterUid, Option<&'a str>)> {
        let mut parts = self.tail.splitn(3, '/');
        let (name, uid) = (parts.next()?, ClusterUid::parse(parts.next()?)?);
        Some((name, uid, parts.next()))
    }

    /// The uid in `configuration/NAME/UUID-N`.
    pub(crate) fn configuration(&self) -> Option<ConfigurationUid> {
        let (_, uid, rest) = self.cluster().filter(|_| self.kind == "configuration")?;
        rest.is_none().then_some(ConfigurationUid(uid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cluster_arns_are_taken_apart() {
        let text = "arn:aws:kafka:us-east-1:000000000000:cluster/demo/\
                    0a1b2c3d-0000-4000-8000-000000000001-3";
        let arn = Arn::parse(text, "clusterArn").unwrap();
        let (name, uid, rest) = arn.cluster().unwrap();
        assert_eq!((arn.kind, name, rest), ("cluster", "demo", None));
        assert_eq!(uid.to_string(), "0a1b2c3d-0000-4000-8000-000000000001-3");
        assert_eq!(uid.uuid().to_string(), "0a1b2c3d-0000-4000-8000-000000000001");
        let uid = ClusterUid::random(&Runtime::system());
        assert_eq!(ClusterUid::parse(&uid.to_string()), Some(uid));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "demo",
            "arn:aws:s3:::bucket/x",
            "arn:aws:kafka:r:a:cluster",
            "arn:aws:kafka:r:a:cluster/",
        ] {
            assert!(Arn::parse(text, "clusterArn").is_err(), "{text}");
        }
        let odd = Arn::parse("arn:aws:kafka:r:a:cluster/x/ä-1", "clusterArn").unwrap();
        assert_eq!(odd.cluster(), None);
    }
}
