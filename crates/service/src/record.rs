//! The record of a cluster: its owner's request, and the reconciler's progress.
//!
//! Their keys: `cluster_store/keys.rs`.

use std::{collections::BTreeMap, fmt};

use bytes::Bytes;
use milena_runtime::Runtime;
use milena_store::{Codec, DecodeError, Layout};
use milena_types::{BrokerEpoch, BrokerId, ClusterId};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use uuid::Uuid;

use crate::{
    addresses::BrokerAddress,
    arn::ClusterUid,
    configuration::ConfigurationRef,
    error::ApiError,
    kafka_versions::MskVersion,
    wire::{ClientAuthentication, EncryptionInfo, LoggingInfo, OpenMonitoring, Rebalancing, Tags},
};

/// The encoding of the records.
const CODEC: Codec = Codec::new(Layout::Wrapped, 1);

/// A cluster's state as MSK shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ClusterState {
    /// Being created.
    Creating,
    /// Serving.
    Active,
    /// Serving, while an operation changes it.
    Updating,
    /// Serving, while an operation restarts brokers.
    RebootingBroker,
    /// A broker that should serve does not, and is being started.
    Healing,
    /// Being deleted.
    Deleting,
    /// Could not be created; can only be deleted.
    Failed,
}

impl ClusterState {
    /// Whether brokers are to run: the cluster is made, and not to be deleted.
    pub(crate) fn has_brokers(self) -> bool {
        !matches!(self, Self::Creating | Self::Deleting | Self::Failed)
    }

    /// MSK's name of the state.
    pub fn name(self) -> &'static str {
        match self {
            Self::Creating => "CREATING",
            Self::Active => "ACTIVE",
            Self::Updating => "UPDATING",
            Self::RebootingBroker => "REBOOTING_BROKER",
            Self::Healing => "HEALING",
            Self::Deleting => "DELETING",
            Self::Failed => "FAILED",
        }
    }
}

impl fmt::Display for ClusterState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The reconciler's next step for a cluster. Every step may run again after it ran in part or in
/// full.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case")]
pub(crate) enum ReconcileStep {
    /// Give every broker an address.
    AllocateAddresses,
    /// Write the cluster's record, with its data key, and its nodes for the brokers to find.
    WriteMetadata,
    /// Start every broker and wait until all of them serve.
    StartBrokers,
    /// Show the cluster as ACTIVE.
    Activate,
    /// Keep the brokers running.
    Run,
    /// Restart brokers for an operation.
    Reboot {
        /// The operation's key.
        operation: String,
        /// The brokers that are still to be restarted.
        brokers: Vec<BrokerId>,
    },
    /// Write the server properties of an update for the brokers to find.
    WriteProperties(ConfigUpdate),
    /// Restart brokers one after the other, so that they have them.
    Roll {
        update: ConfigUpdate,
        /// The brokers that are still to be restarted.
        brokers: Vec<BrokerId>,
    },
    /// Give joining brokers addresses.
    AllocateJoining {
        /// The operation's key.
        operation: String,
    },
    /// Start joining brokers and show them.
    StartJoining {
        /// The operation's key.
        operation: String,
    },
    /// Wait until leaving brokers hold nothing any more.
    Drain(ScaleIn),
    /// Stop leaving brokers and forget them.
    #[serde(rename = "dismiss")]
    RemoveLeaving(ScaleIn),
    /// Creation has failed: stop the brokers that were started.
    #[serde(rename = "give-up")]
    StopFailedBrokers,
    /// None until the owner deletes the cluster.
    #[serde(rename = "rest")]
    Idle,
    /// Stop every broker.
    StopBrokers,
    /// Remove the brokers' files.
    RemoveData,
    /// Remove the cluster's records, and then its name, addresses and operations.
    RemoveMetadata,
}

/// An update of a cluster's configuration, its Kafka version, or both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ConfigUpdate {
    /// The operation's key.
    pub(crate) operation: String,
    /// The cluster's configuration after it; `None`: without one.
    pub(crate) target: Option<ConfigurationRef>,
    /// The cluster's Kafka version after it, where it is what the update is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) kafka_version: Option<MskVersion>,
    /// The failure of the update before, where this one compensates it: `target` is the cluster's
    /// former configuration.
    pub(crate) failure: Option<FailureReason>,
}

/// The removal of the brokers that are [`NodeState::Leaving`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ScaleIn {
    /// The operation's key.
    pub(crate) operation: String,
    /// Why they could not be added, where the removal compensates that.
    pub(crate) failure: Option<FailureReason>,
}

/// A broker's membership of its cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum NodeState {
    #[default]
    Member,
    /// Being added, and not shown yet.
    Joining,
    /// Being removed: it serves until it holds no replica and leads no partition.
    Leaving,
}

/// One broker as it is shown and started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ManagedBroker {
    pub(crate) id: BrokerId,
    pub(crate) zone: String,
    pub(crate) subnet: String,
    /// Part of the node's ARN and of its network interface's id.
    pub(crate) uuid: Uuid,
    /// Absent until addresses are allocated.
    pub(crate) address: Option<BrokerAddress>,
    #[serde(default, rename = "standing")]
    pub(crate) state: NodeState,
    /// It was killed on request, and stays down until it is restarted on request.
    #[serde(default)]
    pub(crate) down: bool,
    /// Newest broker epoch whose log the operator has declared lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) lost_log_accepted: Option<BrokerEpoch>,
    /// When it was added, if not with the cluster.
    #[serde(default)]
    pub(crate) added_ms: Option<i64>,
}

/// The owner's request, with defaults for all that it left open.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ClusterSpec {
    pub(crate) kafka_version: MskVersion,
    pub(crate) instance_type: String,
    pub(crate) subnets: Vec<String>,
    /// The zone of each subnet.
    pub(crate) zones: Vec<String>,
    pub(crate) security_groups: Option<Vec<String>>,
    /// GiB per broker; none for Express brokers.
    pub(crate) volume_size_gib: Option<i64>,
    pub(crate) client_authentication: Option<ClientAuthentication>,
    pub(crate) encryption: EncryptionInfo,
    pub(crate) enhanced_monitoring: String,
    pub(crate) open_monitoring: OpenMonitoring,
    pub(crate) logging: Option<LoggingInfo>,
    pub(crate) rebalancing: Option<Rebalancing>,
    /// `server.properties` beyond the defaults.
    #[serde(default)]
    pub(crate) server_properties: BTreeMap<String, String>,
    /// Its properties override all these.
    #[serde(default)]
    pub(crate) configuration: Option<ConfigurationRef>,
}

/// Why a cluster is in its state or an operation has failed: MSK's `stateInfo` and `errorInfo`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FailureReason {
    pub(crate) code: String,
    pub(crate) message: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ManagedCluster {
    pub(crate) uid: ClusterUid,
    pub(crate) name: String,
    pub(crate) region: String,
    pub(crate) account: String,
    pub(crate) created_ms: i64,
    /// The optimistic lock of the API, `currentVersion`.
    pub(crate) version: String,
    pub(crate) state: ClusterState,
    /// Why it is in its state, where that is not as its owner wishes.
    #[serde(rename = "trouble")]
    pub(crate) failure: Option<FailureReason>,
    pub(crate) step: ReconcileStep,
    pub(crate) tags: Tags,
    pub(crate) spec: ClusterSpec,
    pub(crate) nodes: Vec<ManagedBroker>,
    /// The key of the operation that is running.
    pub(crate) active_operation: Option<String>,
}

impl ManagedCluster {
    /// The id that Kafka clients see and that everything of the cluster is stored under.
    pub(crate) fn cluster_id(&self) -> ClusterId {
        ClusterId::from_uuid(self.uid.uuid())
    }

    /// All but those that join.
    pub(crate) fn shown_nodes(&self) -> impl Iterator<Item = &ManagedBroker> {
        self.nodes.iter().filter(|node| node.state != NodeState::Joining)
    }

    /// The configurations that must not be deleted: the current one and an update's target.
    pub(crate) fn configurations(&self) -> impl Iterator<Item = &ConfigurationRef> {
        let coming = match &self.step {
            ReconcileStep::WriteProperties(update) | ReconcileStep::Roll { update, .. } => {
                update.target.as_ref()
            }
            _ => None,
        };
        self.spec.configuration.iter().chain(coming)
    }

    pub(crate) fn arn(&self) -> String {
        self.arn_of("cluster", None)
    }

    /// The ARN of something that belongs to the cluster: `KIND/NAME/UID[/TAIL]`.
    pub(crate) fn arn_of(&self, kind: &str, tail: Option<&str>) -> String {
        let (region, account, name, uid) = (&self.region, &self.account, &self.name, &self.uid);
        let tail = tail.map_or_else(String::new, |tail| format!("/{tail}"));
        format!("arn:aws:kafka:{region}:{account}:{kind}/{name}/{uid}{tail}")
    }
}

/// A new value of `currentVersion`: K and 13 letters and digits, as MSK's look.
pub(crate) fn random_version(runtime: &Runtime) -> String {
    const CHARACTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut random = [0; 13];
    runtime.fill_random(&mut random);
    let text: String =
        random.iter().map(|byte| char::from(CHARACTERS[usize::from(byte & 31)])).collect();
    format!("K{text}")
}

/// The record as bytes.
pub(crate) fn encode<T: Serialize>(record: &T) -> Bytes {
    CODEC.encode(record)
}

/// The record in `bytes`, which were found at `key`.
pub(crate) fn decode<T: DeserializeOwned>(key: &str, bytes: &[u8]) -> Result<T, ApiError> {
    CODEC.decode(key, bytes).map_err(|error| {
        ApiError::Internal(match error {
            DecodeError::Newer { key, .. } => format!(
                "the record {key} was written by a newer release of milena; start that release"
            ),
            DecodeError::Damaged { key, reason } => {
                format!("the record {key} is damaged: {reason}")
            }
        })
    })
}

#[cfg(test)]
mod tests;
