//! One member of a group.

use std::sync::Arc;

use bytes::Bytes;

use super::{InstanceId, JoinedMember, MemberId, Protocol, ReplyId, stored::StoredMember};

/// Timeouts and protocols from a member's latest join request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct MemberSettings {
    pub(crate) session_timeout_ms: i32,
    pub(crate) rebalance_timeout_ms: i32,
    /// The preferred first.
    pub(crate) protocols: Vec<Protocol>,
}

/// About how many bytes of memory a member takes, without its texts and metadata.
const MEMBER_BYTES: usize = 1024;
/// About how many bytes of memory the id of a member that has yet to join takes, without its text.
const PENDING_MEMBER_BYTES: usize = 128;

/// The bytes of a member that has its id and has yet to join with it.
pub(crate) fn pending_bytes(id: &MemberId) -> usize {
    PENDING_MEMBER_BYTES + id.as_str().len()
}

impl MemberSettings {
    /// What the member says of itself.
    pub(crate) fn bytes(&self) -> usize {
        let protocols = self.protocols.iter();
        protocols.map(|protocol| Protocol::bytes_of(&protocol.name, &protocol.metadata)).sum()
    }
}

/// A member. At most one JoinGroup and one SyncGroup of it wait for a reply.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) id: MemberId,
    pub(crate) instance: Option<InstanceId>,
    pub(crate) client_id: Arc<str>,
    pub(crate) client_host: Arc<str>,
    pub(crate) settings: MemberSettings,
    pub(crate) assignment: Bytes,
    /// It has had no response to its first JoinGroup: it does not know its id, so it cannot send
    /// heartbeats.
    pub(crate) is_new: bool,
    pub(crate) awaiting_join: Option<ReplyId>,
    pub(crate) awaiting_sync: Option<ReplyId>,
    /// When the session ends, on the monotonic clock.
    pub(crate) expires_at: u64,
}

impl Member {
    pub(crate) fn bytes(&self) -> usize {
        let instance = self.instance.as_ref().map_or(0, |id| id.as_str().len());
        let texts =
            self.id.as_str().len() + instance + self.client_id.len() + self.client_host.len();
        MEMBER_BYTES + texts + self.settings.bytes() + self.assignment.len()
    }

    /// True if the session does not end however long the member is silent: it waits for the
    /// coordinator.
    pub(crate) fn is_kept_waiting(&self) -> bool {
        !self.is_new && (self.awaiting_join.is_some() || self.awaiting_sync.is_some())
    }

    /// The names of its protocols, the preferred first.
    pub(crate) fn protocol_names(&self) -> impl Iterator<Item = &str> {
        self.settings.protocols.iter().map(|protocol| &*protocol.name)
    }

    /// The metadata for a protocol; empty if the member does not have that.
    pub(crate) fn metadata(&self, protocol: &str) -> Bytes {
        let own = self.settings.protocols.iter().find(|own| &*own.name == protocol);
        own.map(|own| own.metadata.clone()).unwrap_or_default()
    }

    pub(crate) fn joined(&self, protocol: &str) -> JoinedMember {
        JoinedMember {
            member: self.id.clone(),
            instance: self.instance.clone(),
            metadata: self.metadata(protocol),
        }
    }

    pub(crate) fn stored(&self, protocol: &str, assignment: Bytes) -> StoredMember {
        StoredMember {
            id: self.id.clone(),
            instance: self.instance.clone(),
            client_id: self.client_id.clone(),
            client_host: self.client_host.clone(),
            session_timeout_ms: self.settings.session_timeout_ms,
            rebalance_timeout_ms: self.settings.rebalance_timeout_ms,
            subscription: self.metadata(protocol),
            assignment,
        }
    }

    /// The member as the log has it; what it could do besides the protocol chosen is not stored.
    pub(crate) fn restore(stored: &StoredMember, protocol: &Arc<str>, expires_at: u64) -> Self {
        let protocols =
            vec![Protocol { name: protocol.clone(), metadata: stored.subscription.clone() }];
        Self {
            id: stored.id.clone(),
            instance: stored.instance.clone(),
            client_id: stored.client_id.clone(),
            client_host: stored.client_host.clone(),
            settings: MemberSettings {
                session_timeout_ms: stored.session_timeout_ms,
                rebalance_timeout_ms: stored.rebalance_timeout_ms,
                protocols,
            },
            assignment: stored.assignment.clone(),
            is_new: false,
            awaiting_join: None,
            awaiting_sync: None,
            expires_at,
        }
    }
}
