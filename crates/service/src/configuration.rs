//! The records of a configuration: one of its own, and one for each revision, which never changes.

use std::collections::BTreeMap;

use milena_kafka_config::msk::{self, PropertyError};
use milena_types::shortened;
use serde::{Deserialize, Serialize};

use crate::{arn::ConfigurationUid, error::ApiError, java_properties, kafka_versions::MskVersion};

/// The largest `serverProperties`, decoded.
const PROPERTIES_BYTES_MAX: usize = 64 << 10;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ConfigurationRecord {
    pub(crate) uid: ConfigurationUid,
    pub(crate) name: String,
    pub(crate) region: String,
    pub(crate) account: String,
    pub(crate) created_ms: i64,
    pub(crate) description: String,
    /// Clusters of these may have it; of any version when empty.
    pub(crate) kafka_versions: Vec<MskVersion>,
    pub(crate) latest: RevisionHead,
}

impl ConfigurationRecord {
    pub(crate) fn arn(&self) -> String {
        let (region, account, name, uid) = (&self.region, &self.account, &self.name, &self.uid);
        format!("arn:aws:kafka:{region}:{account}:configuration/{name}/{uid}")
    }
}

/// A revision without its properties.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RevisionHead {
    /// Counted from 1.
    pub(crate) revision: i64,
    pub(crate) created_ms: i64,
    pub(crate) description: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RevisionRecord {
    pub(crate) head: RevisionHead,
    /// A properties file, as the request had it.
    pub(crate) server_properties: String,
}

impl RevisionRecord {
    /// Never fails: [`checked`] parsed the file before it was stored.
    pub(crate) fn properties(&self) -> BTreeMap<String, String> {
        java_properties::parse(self.server_properties.as_bytes()).unwrap_or_default()
    }
}

/// A revision by its configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ConfigurationRef {
    pub(crate) uid: ConfigurationUid,
    pub(crate) arn: String,
    pub(crate) revision: i64,
}

/// The `serverProperties` of a new revision, checked for each of `versions` or, if there are none,
/// for any.
pub(crate) fn checked(file: &[u8], versions: &[MskVersion]) -> Result<String, ApiError> {
    const PATH: &str = "serverProperties";
    if file.len() > PROPERTIES_BYTES_MAX {
        let message =
            format!("{PATH} must be at most {PROPERTIES_BYTES_MAX} bytes, but is {}", file.len());
        return Err(ApiError::invalid(PATH, message));
    }
    let refuse = |error| {
        ApiError::invalid(PATH, format!("{PATH} is not a file of Java properties: {error}"))
    };
    let parsed = java_properties::parse(file).map_err(refuse)?;
    if versions.is_empty() {
        msk::check_properties(None, &parsed).map_err(|errors| refused(PATH, &errors))?;
    }
    for version in versions {
        check_properties(*version, &parsed, PATH)?;
    }
    // It is UTF-8: it was parsed.
    Ok(String::from_utf8_lossy(file).into_owned())
}

/// Checks the properties for brokers of one version. `path` names the member at fault.
pub(crate) fn check_properties(
    version: MskVersion,
    properties: &BTreeMap<String, String>,
    path: &str,
) -> Result<(), ApiError> {
    msk::check_properties(Some(version.release()), properties)
        .map_err(|errors| refused(path, &errors))
}

fn refused(path: &str, errors: &[PropertyError]) -> ApiError {
    let reasons: Vec<String> = errors.iter().map(|error| shortened(error.to_string())).collect();
    ApiError::invalid(path, format!("{path}: {}", reasons.join("; ")))
}
