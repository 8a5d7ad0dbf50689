//! Kafka's error codes, up to release 4.3.

use std::fmt;

macro_rules! error_codes {
    ($($variant:ident = $code:literal, $name:literal, $retriable:literal, $message:literal;)*) => {
        /// An error as Kafka's protocol numbers it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(i16)]
        pub enum ErrorCode {
            $(#[doc = $message] $variant = $code,)*
        }

        impl ErrorCode {
            /// Every code, in order.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The error of a code, if there is one.
            pub const fn known(code: i16) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)* _ => None }
            }

            /// The name, as Kafka's documentation writes it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Whether a client may expect the same request to succeed later, perhaps after new
            /// metadata.
            pub const fn is_retriable(self) -> bool {
                match self { $(Self::$variant => $retriable,)* }
            }

            pub const fn message(self) -> &'static str {
                match self { $(Self::$variant => $message,)* }
            }
        }
    };
}

impl ErrorCode {
    /// The error of a code; one that is not known counts as [`ErrorCode::UnknownServerError`].
    pub fn from_code(code: i16) -> Self {
        Self::known(code).unwrap_or(Self::UnknownServerError)
    }

    /// The number on the wire.
    pub const fn code(self) -> i16 {
        self as i16
    }

    /// Whether it is an error at all.
    pub fn is_error(self) -> bool {
        self != Self::None
    }
}

impl From<ErrorCode> for i16 {
    fn from(error: ErrorCode) -> i16 {
        error.code()
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

error_codes! {
    UnknownServerError = -1, "UNKNOWN_SERVER_ERROR", false,
        "the broker failed in a way it has no code for; see its log";
    None = 0, "NONE", false, "no error";
    OffsetOutOfRange = 1, "OFFSET_OUT_OF_RANGE", false,
        "the offset is before the log's start or after its end";
    CorruptMessage = 2, "CORRUPT_MESSAGE", true,
        "the records fail their checksum or have an impossible size";
    UnknownTopicOrPartition = 3, "UNKNOWN_TOPIC_OR_PARTITION", true,
        "the broker has no such topic or partition";
    InvalidFetchSize = 4, "INVALID_FETCH_SIZE", false, "the fetch size is not valid";
    LeaderNotAvailable = 5, "LEADER_NOT_AVAILABLE", true,
        "the partition has no leader at the moment";
    NotLeaderOrFollower = 6, "NOT_LEADER_OR_FOLLOWER", true,
        "the broker is not the partition's leader (or, for fetches, a replica of it)";
    RequestTimedOut = 7, "REQUEST_TIMED_OUT", true, "the request took longer than its time-out";
    BrokerNotAvailable = 8, "BROKER_NOT_AVAILABLE", false, "the broker is not available";
    ReplicaNotAvailable = 9, "REPLICA_NOT_AVAILABLE", true,
        "the broker has no replica of the partition";
    MessageTooLarge = 10, "MESSAGE_TOO_LARGE", false,
        "the batch is larger than the topic's max.message.bytes";
    StaleControllerEpoch = 11, "STALE_CONTROLLER_EPOCH", false,
        "the controller that asks was replaced";
    OffsetMetadataTooLarge = 12, "OFFSET_METADATA_TOO_LARGE", false,
        "the metadata string beside the offset is too long";
    NetworkException = 13, "NETWORK_EXCEPTION", true, "the connection broke before a response came";
    CoordinatorLoadInProgress = 14, "COORDINATOR_LOAD_IN_PROGRESS", true,
        "the coordinator is still loading its state";
    CoordinatorNotAvailable = 15, "COORDINATOR_NOT_AVAILABLE", true,
        "there is no coordinator at the moment";
    NotCoordinator = 16, "NOT_COORDINATOR", true,
        "the broker is not the coordinator; look it up again";
    InvalidTopic = 17, "INVALID_TOPIC_EXCEPTION", false,
        "the topic's name is not allowed, or the topic may not be used this way";
    RecordListTooLarge = 18, "RECORD_LIST_TOO_LARGE", false,
        "the batches are larger than a segment may be";
    NotEnoughReplicas = 19, "NOT_ENOUGH_REPLICAS", true,
        "fewer replicas are in sync than the topic requires";
    NotEnoughReplicasAfterAppend = 20, "NOT_ENOUGH_REPLICAS_AFTER_APPEND", true,
        "the records were written, but to fewer replicas than required";
    InvalidRequiredAcks = 21, "INVALID_REQUIRED_ACKS", false, "acks must be 0, 1 or all (-1)";
    IllegalGeneration = 22, "ILLEGAL_GENERATION", false,
        "the group has moved on to another generation";
    InconsistentGroupProtocol = 23, "INCONSISTENT_GROUP_PROTOCOL", false,
        "the member shares no assignment protocol with its group";
    InvalidGroupId = 24, "INVALID_GROUP_ID", false, "the group's id is not allowed";
    UnknownMemberId = 25, "UNKNOWN_MEMBER_ID", false, "the group has no such member";
    InvalidSessionTimeout = 26, "INVALID_SESSION_TIMEOUT", false,
        "the session time-out is outside what the broker allows";
    RebalanceInProgress = 27, "REBALANCE_IN_PROGRESS", false,
        "the group is rebalancing; join again";
    InvalidCommitOffsetSize = 28, "INVALID_COMMIT_OFFSET_SIZE", false,
        "the commit is too large to be stored";
    TopicAuthorizationFailed = 29, "TOPIC_AUTHORIZATION_FAILED", false, "not allowed on this topic";
    GroupAuthorizationFailed = 30, "GROUP_AUTHORIZATION_FAILED", false, "not allowed on this group";
    ClusterAuthorizationFailed = 31, "CLUSTER_AUTHORIZATION_FAILED", false,
        "not allowed on this cluster";
    InvalidTimestamp = 32, "INVALID_TIMESTAMP", false,
        "a record's timestamp is outside what the topic allows";
    UnsupportedSaslMechanism = 33, "UNSUPPORTED_SASL_MECHANISM", false,
        "the listener does not offer this SASL mechanism";
    IllegalSaslState = 34, "ILLEGAL_SASL_STATE", false,
        "the request is not allowed at this point of the SASL handshake";
    UnsupportedVersion = 35, "UNSUPPORTED_VERSION", false,
        "the broker does not offer this version of the API";
    TopicAlreadyExists = 36, "TOPIC_ALREADY_EXISTS", false, "there is a topic of this name";
    InvalidPartitions = 37, "INVALID_PARTITIONS", false, "the number of partitions is not possible";
    InvalidReplicationFactor = 38, "INVALID_REPLICATION_FACTOR", false,
        "the replication factor is not positive or above the number of brokers";
    InvalidReplicaAssignment = 39, "INVALID_REPLICA_ASSIGNMENT", false,
        "the assignment of replicas is not possible";
    InvalidConfig = 40, "INVALID_CONFIG", false, "a configuration value is not valid";
    NotController = 41, "NOT_CONTROLLER", true, "the broker is not the controller";
    InvalidRequest = 42, "INVALID_REQUEST", false, "the request contradicts itself or the protocol";
    UnsupportedForMessageFormat = 43, "UNSUPPORTED_FOR_MESSAGE_FORMAT", false,
        "the topic's record format does not support this";
    PolicyViolation = 44, "POLICY_VIOLATION", false, "a policy of the cluster forbids it";
    OutOfOrderSequenceNumber = 45, "OUT_OF_ORDER_SEQUENCE_NUMBER", false,
        "the producer's sequence has a gap";
    DuplicateSequenceNumber = 46, "DUPLICATE_SEQUENCE_NUMBER", false,
        "the batch was appended before";
    InvalidProducerEpoch = 47, "INVALID_PRODUCER_EPOCH", false,
        "a newer instance of the producer has taken over";
    InvalidTxnState = 48, "INVALID_TXN_STATE", false,
        "the transaction is not in a state that allows this";
    InvalidProducerIdMapping = 49, "INVALID_PRODUCER_ID_MAPPING", false,
        "the producer id is not the one of the transactional id";
    InvalidTransactionTimeout = 50, "INVALID_TRANSACTION_TIMEOUT", false,
        "the transaction time-out is above what the broker allows";
    ConcurrentTransactions = 51, "CONCURRENT_TRANSACTIONS", true,
        "another change of the same transaction is still under way";
    TransactionCoordinatorFenced = 52, "TRANSACTION_COORDINATOR_FENCED", false,
        "the transaction coordinator that wrote was replaced";
    TransactionalIdAuthorizationFailed = 53, "TRANSACTIONAL_ID_AUTHORIZATION_FAILED", false,
        "not allowed for this transactional id";
    SecurityDisabled = 54, "SECURITY_DISABLED", false, "the cluster has no authorizer";
    OperationNotAttempted = 55, "OPERATION_NOT_ATTEMPTED", false,
        "not tried, because another part of the request failed";
    KafkaStorageError = 56, "KAFKA_STORAGE_ERROR", true,
        "the broker cannot write to or read from its storage";
    LogDirNotFound = 57, "LOG_DIR_NOT_FOUND", false, "the broker has no such log directory";
    SaslAuthenticationFailed = 58, "SASL_AUTHENTICATION_FAILED", false,
        "the credentials are wrong";
    UnknownProducerId = 59, "UNKNOWN_PRODUCER_ID", false,
        "the partition has no state of this producer";
    ReassignmentInProgress = 60, "REASSIGNMENT_IN_PROGRESS", false,
        "the partition is being reassigned";
    DelegationTokenAuthDisabled = 61, "DELEGATION_TOKEN_AUTH_DISABLED", false,
        "delegation tokens are switched off";
    DelegationTokenNotFound = 62, "DELEGATION_TOKEN_NOT_FOUND", false,
        "there is no such delegation token";
    DelegationTokenOwnerMismatch = 63, "DELEGATION_TOKEN_OWNER_MISMATCH", false,
        "the delegation token has another owner";
    DelegationTokenRequestNotAllowed = 64, "DELEGATION_TOKEN_REQUEST_NOT_ALLOWED", false,
        "delegation tokens are not given over this kind of connection";
    DelegationTokenAuthorizationFailed = 65, "DELEGATION_TOKEN_AUTHORIZATION_FAILED", false,
        "not allowed on this delegation token";
    DelegationTokenExpired = 66, "DELEGATION_TOKEN_EXPIRED", false,
        "the delegation token has expired";
    InvalidPrincipalType = 67, "INVALID_PRINCIPAL_TYPE", false,
        "principals of this type are not supported";
    NonEmptyGroup = 68, "NON_EMPTY_GROUP", false, "the group still has members";
    GroupIdNotFound = 69, "GROUP_ID_NOT_FOUND", false, "there is no such group";
    FetchSessionIdNotFound = 70, "FETCH_SESSION_ID_NOT_FOUND", true,
        "the broker has no such fetch session";
    InvalidFetchSessionEpoch = 71, "INVALID_FETCH_SESSION_EPOCH", true,
        "the fetch session is at another epoch";
    ListenerNotFound = 72, "LISTENER_NOT_FOUND", true,
        "the leader has no listener of the name the request came in on";
    TopicDeletionDisabled = 73, "TOPIC_DELETION_DISABLED", false, "deleting topics is switched off";
    FencedLeaderEpoch = 74, "FENCED_LEADER_EPOCH", true,
        "the request names a leader epoch older than the partition's";
    UnknownLeaderEpoch = 75, "UNKNOWN_LEADER_EPOCH", true,
        "the request names a leader epoch newer than the broker knows";
    UnsupportedCompressionType = 76, "UNSUPPORTED_COMPRESSION_TYPE", false,
        "this version of the API does not allow this compression";
    StaleBrokerEpoch = 77, "STALE_BROKER_EPOCH", false, "the broker has registered again since";
    OffsetNotAvailable = 78, "OFFSET_NOT_AVAILABLE", true,
        "the new leader does not know its high watermark yet";
    MemberIdRequired = 79, "MEMBER_ID_REQUIRED", false,
        "join again with the member id in the response";
    PreferredLeaderNotAvailable = 80, "PREFERRED_LEADER_NOT_AVAILABLE", true,
        "the preferred leader is not available";
    GroupMaxSizeReached = 81, "GROUP_MAX_SIZE_REACHED", false,
        "the group has as many members as it may have";
    FencedInstanceId = 82, "FENCED_INSTANCE_ID", false,
        "another member has taken over this instance id";
    EligibleLeadersNotAvailable = 83, "ELIGIBLE_LEADERS_NOT_AVAILABLE", true,
        "no replica that may lead is available";
    ElectionNotNeeded = 84, "ELECTION_NOT_NEEDED", true,
        "the partition has the leader that was asked for";
    NoReassignmentInProgress = 85, "NO_REASSIGNMENT_IN_PROGRESS", false,
        "the partition is not being reassigned";
    GroupSubscribedToTopic = 86, "GROUP_SUBSCRIBED_TO_TOPIC", false,
        "the group is subscribed to the topic, so its offsets stay";
    InvalidRecord = 87, "INVALID_RECORD", false,
        "a record breaks the topic's rules, and its whole batch is refused";
    UnstableOffsetCommit = 88, "UNSTABLE_OFFSET_COMMIT", true,
        "a transaction that commits this offset is still open";
    ThrottlingQuotaExceeded = 89, "THROTTLING_QUOTA_EXCEEDED", true,
        "the quota is used up; wait for the throttle time";
    ProducerFenced = 90, "PRODUCER_FENCED", false,
        "another producer has taken over this transactional id";
    ResourceNotFound = 91, "RESOURCE_NOT_FOUND", false,
        "the request names something that does not exist";
    DuplicateResource = 92, "DUPLICATE_RESOURCE", false, "the request names the same thing twice";
    UnacceptableCredential = 93, "UNACCEPTABLE_CREDENTIAL", false,
        "the credential does not meet the requirements";
    InconsistentVoterSet = 94, "INCONSISTENT_VOTER_SET", false,
        "sender and receiver disagree on who votes";
    InvalidUpdateVersion = 95, "INVALID_UPDATE_VERSION", false,
        "the update was made for another version";
    FeatureUpdateFailed = 96, "FEATURE_UPDATE_FAILED", false,
        "the feature could not be set to this level";
    PrincipalDeserializationFailure = 97, "PRINCIPAL_DESERIALIZATION_FAILURE", false,
        "the forwarded principal cannot be read";
    SnapshotNotFound = 98, "SNAPSHOT_NOT_FOUND", false, "there is no such snapshot";
    PositionOutOfRange = 99, "POSITION_OUT_OF_RANGE", false, "the position is outside the snapshot";
    UnknownTopicId = 100, "UNKNOWN_TOPIC_ID", true, "the broker knows no topic of this id";
    DuplicateBrokerRegistration = 101, "DUPLICATE_BROKER_REGISTRATION", false,
        "a broker of this id is registered already";
    BrokerIdNotRegistered = 102, "BROKER_ID_NOT_REGISTERED", false,
        "no broker of this id is registered";
    InconsistentTopicId = 103, "INCONSISTENT_TOPIC_ID", true, "the topic has another id by now";
    InconsistentClusterId = 104, "INCONSISTENT_CLUSTER_ID", false,
        "the request was meant for another cluster";
    TransactionalIdNotFound = 105, "TRANSACTIONAL_ID_NOT_FOUND", false,
        "there is no such transactional id";
    FetchSessionTopicIdError = 106, "FETCH_SESSION_TOPIC_ID_ERROR", true,
        "the fetch session mixes topic names and topic ids";
    IneligibleReplica = 107, "INELIGIBLE_REPLICA", false,
        "the replica may not join those in sync now";
    NewLeaderElected = 108, "NEW_LEADER_ELECTED", false,
        "the change took leadership away from the one who asked for it";
    OffsetMovedToTieredStorage = 109, "OFFSET_MOVED_TO_TIERED_STORAGE", false,
        "the offset is in remote storage only";
    FencedMemberEpoch = 110, "FENCED_MEMBER_EPOCH", false,
        "the member was fenced; it must drop its partitions and join again";
    UnreleasedInstanceId = 111, "UNRELEASED_INSTANCE_ID", false,
        "the instance id is still in use by another member";
    UnsupportedAssignor = 112, "UNSUPPORTED_ASSIGNOR", false, "the group cannot use this assignor";
    StaleMemberEpoch = 113, "STALE_MEMBER_EPOCH", false,
        "the member's epoch is behind; retry after its next heartbeat";
    MismatchedEndpointType = 114, "MISMATCHED_ENDPOINT_TYPE", false,
        "the request came to the wrong kind of endpoint";
    UnsupportedEndpointType = 115, "UNSUPPORTED_ENDPOINT_TYPE", false,
        "endpoints of this kind are not known";
    UnknownControllerId = 116, "UNKNOWN_CONTROLLER_ID", false, "there is no such controller";
    UnknownSubscriptionId = 117, "UNKNOWN_SUBSCRIPTION_ID", false,
        "the telemetry subscription has changed; ask for it again";
    TelemetryTooLarge = 118, "TELEMETRY_TOO_LARGE", false,
        "more telemetry than the broker takes at once";
    InvalidRegistration = 119, "INVALID_REGISTRATION", false,
        "the controller does not accept this broker registration";
    TransactionAbortable = 120, "TRANSACTION_ABORTABLE", false,
        "the transaction must be aborted, after which the producer can continue";
    InvalidRecordState = 121, "INVALID_RECORD_STATE", false,
        "the shared record is not in a state that allows this acknowledgement";
    ShareSessionNotFound = 122, "SHARE_SESSION_NOT_FOUND", true,
        "the broker has no such share session";
    InvalidShareSessionEpoch = 123, "INVALID_SHARE_SESSION_EPOCH", true,
        "the share session is at another epoch";
    FencedStateEpoch = 124, "FENCED_STATE_EPOCH", false,
        "the share coordinator knows a newer state epoch";
    InvalidVoterKey = 125, "INVALID_VOTER_KEY", false, "the voter's key is not the receiver's";
    DuplicateVoter = 126, "DUPLICATE_VOTER", false, "this voter votes already";
    VoterNotFound = 127, "VOTER_NOT_FOUND", false, "there is no such voter";
    InvalidRegularExpression = 128, "INVALID_REGULAR_EXPRESSION", false,
        "the regular expression cannot be read";
    RebootstrapRequired = 129, "REBOOTSTRAP_REQUIRED", false,
        "the client must start again from its bootstrap servers";
    StreamsInvalidTopology = 130, "STREAMS_INVALID_TOPOLOGY", false, "the topology is not valid";
    StreamsInvalidTopologyEpoch = 131, "STREAMS_INVALID_TOPOLOGY_EPOCH", false,
        "the topology's epoch is not valid";
    StreamsTopologyFenced = 132, "STREAMS_TOPOLOGY_FENCED", false,
        "the topology's epoch is behind the group's";
    ShareSessionLimitReached = 133, "SHARE_SESSION_LIMIT_REACHED", true,
        "the broker has as many share sessions as it may have";
}
