//! MSK's Kafka versions: which there are, and which can be upgraded to which. What a version's
//! brokers offer is in `milena_protocol`.

use milena_protocol::KafkaVersion;
use milena_types::ParseIdError;
use serde::{Deserialize, Serialize};

#[derive(Debug, PartialEq, Eq)]
struct VersionRow {
    name: &'static str,
    /// The Kafka release whose protocol it has.
    release: &'static str,
    /// MSK's support has ended; Milena still offers it.
    deprecated: bool,
}

const fn row(name: &'static str, release: &'static str, deprecated: bool) -> VersionRow {
    VersionRow { name, release, deprecated }
}

/// Oldest first.
const TABLE: &[VersionRow] = &[
    row("2.8.1", "2.8", true),
    row("3.3.1", "3.3", true),
    row("3.3.2", "3.3", true),
    row("3.5.1", "3.5", true),
    row("3.6.0", "3.6", true),
    row("3.7.x", "3.7", true),
    row("3.7.x.kraft", "3.7", true),
    row("3.8.x", "3.8", false),
    row("3.8.x.kraft", "3.8", false),
    row("3.9.x", "3.9", false),
    row("3.9.x.kraft", "3.9", false),
    row("4.0.x.kraft", "4.0", false),
    row("4.1.x.kraft", "4.1", false),
];

/// A Kafka version by MSK's name for it, such as `3.9.x.kraft`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MskVersion(&'static VersionRow);

impl MskVersion {
    /// The newest version that clients of every age can use.
    pub const RECOMMENDED: Self = Self(&TABLE[10]);

    /// Oldest first.
    pub(crate) fn all() -> impl ExactSizeIterator<Item = Self> {
        TABLE.iter().map(Self)
    }

    /// Such as `3.9.x.kraft`.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// The Kafka release that its brokers look like.
    pub(crate) fn release(self) -> KafkaVersion {
        self.0.release.parse().expect("a test parses every release of the table")
    }

    /// ACTIVE, or DEPRECATED when MSK's support has ended.
    pub(crate) fn status(self) -> &'static str {
        if self.0.deprecated { "DEPRECATED" } else { "ACTIVE" }
    }

    /// Whether it runs without ZooKeeper in MSK. An upgrade does not change this.
    pub(crate) fn is_kraft(self) -> bool {
        self.0.name.ends_with(".kraft")
    }

    /// The versions that a cluster of this one can be upgraded to: the later ones that are KRaft if
    /// it is, and not if it is not.
    pub(crate) fn targets(self) -> impl Iterator<Item = Self> {
        let position = TABLE.iter().position(|row| row == self.0).unwrap_or(TABLE.len());
        TABLE[position..]
            .iter()
            .map(Self)
            .filter(move |to| to.is_kraft() == self.is_kraft() && to.0.name != self.0.name)
    }
}

impl TryFrom<String> for MskVersion {
    type Error = ParseIdError;

    fn try_from(text: String) -> Result<Self, ParseIdError> {
        let found = TABLE.iter().find(|row| row.name == text).map(Self);
        let reason = "ListKafkaVersions names those there are";
        found.ok_or(ParseIdError { kind: "Kafka version", text, reason })
    }
}

impl From<MskVersion> for String {
    fn from(version: MskVersion) -> Self {
        version.0.name.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(name: &str) -> MskVersion {
        name.to_owned().try_into().unwrap()
    }

    #[test]
    fn versions_only_go_up_and_never_change_their_kind() {
        let targets: Vec<&str> = version("3.7.x").targets().map(MskVersion::name).collect();
        assert_eq!(targets, ["3.8.x", "3.9.x"]);
        let targets: Vec<&str> = version("3.9.x.kraft").targets().map(MskVersion::name).collect();
        assert_eq!(targets, ["4.0.x.kraft", "4.1.x.kraft"]);
        assert_eq!(version("4.1.x.kraft").targets().count(), 0);
    }

    #[test]
    fn every_release_is_one_whose_protocol_is_known() {
        for version in MskVersion::all() {
            assert!(KafkaVersion::all().any(|release| release == version.release()), "{version:?}");
        }
    }

    #[test]
    fn the_recommended_version_is_an_active_one() {
        assert_eq!(MskVersion::RECOMMENDED.name(), "3.9.x.kraft");
        assert_eq!(MskVersion::RECOMMENDED.status(), "ACTIVE");
    }
}
