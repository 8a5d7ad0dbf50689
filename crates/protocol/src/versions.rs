//! The API versions of each Kafka release, so that a cluster of some Kafka version looks like that
//! version.
//!
//! Rows are releases measured or read (`schema/api-versions.json`); a release between two rows
//! offers what the row below it offers.

use std::{fmt, ops::RangeInclusive, str::FromStr};

use crate::ApiKey;

struct Release {
    major: u8,
    minor: u8,
    apis: &'static [(ApiKey, i16, i16)],
}

const RELEASES: &[Release] = include!("versions/table.rs");

/// A text that names no Kafka release that can be offered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseVersionError {
    /// Not written as a version.
    #[error("'{0}' is not a kafka version; write it as 3.9.x or 4.1.x.kraft")]
    Malformed(String),
    /// Older than the first row.
    #[error("kafka {0} is older than 2.8, the oldest release offered; choose a newer one")]
    TooOld(String),
}

/// A release of Kafka whose API surface a cluster shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KafkaVersion {
    major: u8,
    minor: u8,
}

impl KafkaVersion {
    /// The newest release known.
    pub const LATEST: Self = {
        let newest = &RELEASES[RELEASES.len() - 1];
        Self { major: newest.major, minor: newest.minor }
    };

    /// The releases whose API surface is known, oldest first.
    pub fn all() -> impl DoubleEndedIterator<Item = Self> {
        RELEASES.iter().map(|release| Self { major: release.major, minor: release.minor })
    }

    /// Major and minor number.
    pub fn parts(self) -> (u8, u8) {
        (self.major, self.minor)
    }

    /// True from `major.minor` on.
    pub fn is_at_least(self, major: u8, minor: u8) -> bool {
        self.parts() >= (major, minor)
    }

    /// The levels of the feature `metadata.version` that the release's brokers have: the oldest they
    /// still have, and the one of a cluster made by it. None of releases before 4.0, whose clusters
    /// may have no such features.
    pub fn metadata_version(self) -> Option<RangeInclusive<i16>> {
        /// 3.3-IV3.
        const OLDEST: i16 = 7;
        let newest = match self.parts() {
            (..=3, _) => return None,
            (4, 0) => 25,
            (4, 1) => 27,
            (4, 2) => 29,
            _ => 30,
        };
        Some(OLDEST..=newest)
    }

    fn release(self) -> &'static Release {
        let row = RELEASES.iter().rev().find(|r| (r.major, r.minor) <= self.parts());
        row.unwrap_or(&RELEASES[0])
    }

    fn row(self, key: ApiKey) -> Option<RangeInclusive<i16>> {
        self.release().apis.iter().find(|(api, ..)| *api == key).map(|(_, low, high)| *low..=*high)
    }

    /// The versions of an API that are served, or nothing when the release does not have it.
    pub fn api_range(self, key: ApiKey) -> Option<RangeInclusive<i16>> {
        let range = self.row(key)?;
        // The versions served differ from those advertised: see `advertised`.
        let low = if key == ApiKey::Produce && self.is_at_least(4, 0) { 3 } else { *range.start() };
        Some(low..=*range.end())
    }

    /// The content of an ApiVersions response, by key: the release's APIs that are implemented.
    ///
    /// Releases from 4.0 on advertise Produce from version 0 although they serve it from 3 on:
    /// librdkafka turns compression off otherwise (KAFKA-18659).
    pub fn advertised(self, implemented: &[ApiKey]) -> Vec<(ApiKey, RangeInclusive<i16>)> {
        let mut apis: Vec<_> =
            implemented.iter().filter_map(|key| Some((*key, self.row(*key)?))).collect();
        apis.sort_by_key(|(key, _)| *key);
        apis.dedup_by_key(|(key, _)| *key);
        apis
    }
}

impl FromStr for KafkaVersion {
    type Err = ParseVersionError;

    /// Reads versions as MSK names them: `2.8.1`, `2.8.2.tiered`, `3.7.x`, `3.7.x.kraft`, `4.1`.
    fn from_str(text: &str) -> Result<Self, ParseVersionError> {
        let malformed = || ParseVersionError::Malformed(text.to_owned());
        let mut parts = text.split('.');
        let mut number = || parts.next().and_then(|p| p.parse::<u8>().ok()).ok_or_else(malformed);
        let (major, minor) = (number()?, number()?);
        let rest: Vec<&str> = parts.collect();
        let patch = |p: &str| p == "x" || p.parse::<u8>().is_ok();
        let well_formed = match rest.as_slice() {
            [] => true,
            [p] => patch(p),
            [p, flavour] => patch(p) && ["kraft", "tiered"].contains(flavour),
            _ => false,
        };
        if !well_formed {
            return Err(malformed());
        }
        let oldest = &RELEASES[0];
        if (major, minor) < (oldest.major, oldest.minor) {
            return Err(ParseVersionError::TooOld(text.to_owned()));
        }
        Ok(Self { major, minor })
    }
}

impl fmt::Display for KafkaVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}
