//! Groups as their administrator sees them: which there are, who is in them, and their end.

use std::collections::BTreeMap;

use milena_protocol::{
    Decoder,
    messages::{
        delete_groups_request::DeleteGroupsRequest,
        describe_groups_request::DescribeGroupsRequest,
        describe_groups_response::{DescribedGroup, DescribedGroupMember},
        list_groups_request::ListGroupsRequest,
        list_groups_response::ListGroupsResponse,
    },
};

use crate::{Client, ClientError};

/// A group in the list of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedGroup {
    /// Its id.
    pub id: String,
    /// Such as `Stable`; empty from brokers that do not say.
    pub state: String,
    /// Such as `consumer`.
    pub protocol_type: String,
}

/// A group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupInfo {
    /// Its id.
    pub id: String,
    /// Such as `Stable`, or `Dead` when there is no such group.
    pub state: String,
    /// The strategy that partitions are assigned by; empty without members.
    pub assignor: String,
    /// Its members.
    pub members: Vec<GroupMember>,
}

/// A member of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupMember {
    /// Its id.
    pub id: String,
    /// What its client calls itself.
    pub client_id: String,
    /// Where it connects from.
    pub host: String,
    /// The partitions that it has, by topic; empty where it is no consumer.
    pub assignment: BTreeMap<String, Vec<i32>>,
}

impl Client {
    /// The groups of all brokers, by id.
    ///
    /// Errors: any broker's, since the list would not be whole.
    pub async fn list_groups(&self) -> Result<Vec<ListedGroup>, ClientError> {
        let mut retry = self.retry();
        loop {
            match self.list_groups_once().await {
                Ok(groups) => return Ok(groups),
                Err(error) => retry.after(error).await?,
            }
        }
    }

    async fn list_groups_once(&self) -> Result<Vec<ListedGroup>, ClientError> {
        let mut groups = BTreeMap::new();
        for id in self.metadata(Some(&[])).await?.brokers.into_keys() {
            let request = ListGroupsRequest::default();
            let response: ListGroupsResponse = self.broker(id).await?.call(&request).await?;
            ClientError::check(format!("groups of broker {id}"), response.error_code, None)?;
            for group in response.groups {
                let listed = ListedGroup {
                    id: group.group_id.to_string(),
                    state: group.group_state.to_string(),
                    protocol_type: group.protocol_type.to_string(),
                };
                groups.insert(listed.id.clone(), listed);
            }
        }
        Ok(groups.into_values().collect())
    }

    /// A group with its members.
    pub async fn describe_group(&self, group: &str) -> Result<GroupInfo, ClientError> {
        let request = DescribeGroupsRequest { groups: vec![group.into()], ..Default::default() };
        let what = format!("describing group {group}");
        self.call_coordinator(group, &request, |response| {
            let found = response.groups.iter().find(|found| found.group_id == group);
            let found = found.ok_or_else(|| unanswered(&what))?;
            ClientError::check(&*what, found.error_code, found.error_message.as_deref())?;
            Ok(group_info(found))
        })
        .await
    }

    /// Deletes a group that has no members, with its offsets.
    pub async fn delete_group(&self, group: &str) -> Result<(), ClientError> {
        let request = DeleteGroupsRequest { groups_names: vec![group.into()] };
        let what = format!("deleting group {group}");
        self.call_coordinator(group, &request, |response| {
            let found = response.results.iter().find(|found| found.group_id == group);
            let found = found.ok_or_else(|| unanswered(&what))?;
            ClientError::check(&*what, found.error_code, None)
        })
        .await
    }
}

fn unanswered(what: &str) -> ClientError {
    ClientError::broker(what, milena_protocol::ErrorCode::UnknownServerError.code(), None)
}

fn group_info(found: &DescribedGroup) -> GroupInfo {
    GroupInfo {
        id: found.group_id.to_string(),
        state: found.group_state.to_string(),
        assignor: found.protocol_data.to_string(),
        members: found.members.iter().map(member).collect(),
    }
}

fn member(found: &DescribedGroupMember) -> GroupMember {
    GroupMember {
        id: found.member_id.to_string(),
        client_id: found.client_id.to_string(),
        host: found.client_host.to_string(),
        assignment: assignment(found).unwrap_or_default(),
    }
}

/// The topics of a ConsumerProtocolAssignment, which come first in all its versions. Members other
/// than consumers have bytes of their own.
fn assignment(found: &DescribedGroupMember) -> Option<BTreeMap<String, Vec<i32>>> {
    let mut decoder = Decoder::new(found.member_assignment.clone());
    let _version = decoder.i16().ok()?;
    let count = decoder.i32().ok()?;
    let mut topics = BTreeMap::new();
    for _ in 0..count {
        let topic = decoder.string(false).ok()?;
        let partitions = 0..decoder.i32().ok()?;
        let partitions = partitions.map(|_| decoder.i32().ok()).collect::<Option<_>>()?;
        topics.insert(topic.to_string(), partitions);
    }
    Some(topics)
}
