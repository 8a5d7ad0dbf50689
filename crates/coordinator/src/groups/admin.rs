//! DescribeGroups, ListGroups, DeleteGroups.

use bytes::Bytes;

use super::{
    DescribedGroup, DescribedMember, GroupError, GroupState, ListFilter, ListedGroup, Reply,
    ReplyId, effects::Effects, group::Group, stored::Change, writes::AfterWrite,
};

/// The type of the groups here (KIP-848).
const CLASSIC: &str = "classic";

impl Group {
    pub(crate) fn describe(&self) -> DescribedGroup {
        let stable = self.state == GroupState::Stable;
        let protocol = self.protocol.clone().filter(|_| stable).unwrap_or_default();
        let members = self.members.values().map(|member| DescribedMember {
            member: member.id.clone(),
            instance: member.instance.clone(),
            client_id: member.client_id.clone(),
            client_host: member.client_host.clone(),
            metadata: if stable { member.metadata(&protocol) } else { Bytes::new() },
            assignment: if stable { member.assignment.clone() } else { Bytes::new() },
        });
        DescribedGroup {
            state: self.state,
            protocol_type: self.protocol_type.clone().unwrap_or_default(),
            members: members.collect(),
            protocol,
        }
    }

    pub(crate) fn list(&self, filter: &ListFilter) -> Option<ListedGroup> {
        let named = |names: &std::collections::BTreeSet<String>, own: &str| {
            names.is_empty() || names.iter().any(|name| name.eq_ignore_ascii_case(own))
        };
        (named(&filter.states, self.state.name()) && named(&filter.types, CLASSIC)).then(|| {
            ListedGroup {
                group: self.id.clone(),
                protocol_type: self.protocol_type.clone().unwrap_or_default(),
                state: self.state,
            }
        })
    }

    /// Deletes a group that has no members, its offsets first. Until the log has it, the group is
    /// Dead; if the log cannot take it, the group comes back, with the offsets whose deletion
    /// failed too.
    pub(crate) fn delete(&mut self, reply: Option<ReplyId>, effects: &mut Effects<'_>) {
        let refused = match self.state {
            GroupState::Empty => None,
            GroupState::Dead => Some(GroupError::GroupIdNotFound),
            _ => Some(GroupError::NonEmptyGroup),
        };
        if let Some(error) = refused {
            return reply
                .into_iter()
                .for_each(|reply| effects.reply(reply, Reply::Delete(Err(error))));
        }
        let keys = self.offsets.keys();
        self.drop_offsets(keys, effects);
        // The date of the state stays: if the group comes back, its offsets expire as they would
        // have.
        self.state = GroupState::Dead;
        effects.write(&self.id, vec![Change::Group(None)], AfterWrite::Delete { reply });
    }

    /// The log did not take the deletion.
    pub(crate) fn undelete(&mut self) {
        self.state = GroupState::Empty;
    }
}
