//! Authorization: whether a principal may do an operation to a resource.
//!
//! [`AllowAll`] is Kafka without `authorizer.class.name`. How a connection comes by its principal
//! is in [`crate::authentication`].

use std::{fmt, net::SocketAddr};

use milena_protocol::KString;

/// The name under which a connection acts, as ACLs write it: `User:ANONYMOUS`.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Principal {
    kind: KString,
    name: KString,
}

impl Principal {
    pub fn user(name: &str) -> Self {
        Self::user_named(name.into())
    }

    /// The principal of a client that does not authenticate. Its name is static, so a clone changes
    /// no counter that connections share.
    pub const fn anonymous() -> Self {
        Self::user_named(KString::from_static("ANONYMOUS"))
    }

    const fn user_named(name: KString) -> Self {
        Self { kind: KString::from_static("User"), name }
    }

    /// The kind, `User` for all that Kafka's own mechanisms make.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind, self.name)
    }
}

/// An operation (Kafka's `AclOperation`; the values are the wire codes).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(i8)]
pub enum Operation {
    Read = 3,
    Write = 4,
    Create = 5,
    /// Delete a topic, a group or records.
    Delete = 6,
    Alter = 7,
    /// See that a resource exists, and its properties.
    Describe = 8,
    ClusterAction = 9,
    DescribeConfigs = 10,
    AlterConfigs = 11,
    /// Write with an idempotent producer.
    IdempotentWrite = 12,
}

impl Operation {
    /// The operations that exist for topics (KIP-430).
    pub const TOPIC: &[Self] = &[
        Self::Read,
        Self::Write,
        Self::Create,
        Self::Delete,
        Self::Alter,
        Self::Describe,
        Self::DescribeConfigs,
        Self::AlterConfigs,
    ];
    /// The operations that exist for groups (KIP-430).
    pub const GROUP: &[Self] =
        &[Self::Read, Self::Delete, Self::Describe, Self::DescribeConfigs, Self::AlterConfigs];
    /// The operations that exist for the cluster (KIP-430).
    pub const CLUSTER: &[Self] = &[
        Self::Create,
        Self::Alter,
        Self::Describe,
        Self::ClusterAction,
        Self::DescribeConfigs,
        Self::AlterConfigs,
        Self::IdempotentWrite,
    ];
}

/// The object of an operation (Kafka's `ResourceType` with a name).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Resource<'a> {
    Cluster,
    Topic(&'a str),
    Group(&'a str),
    TransactionalId(&'a str),
}

/// The sender of a request.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'a> {
    pub principal: &'a Principal,
    pub address: SocketAddr,
}

/// Authorizes operations. Called for every request, so it decides from memory.
pub trait Authorizer: Send + Sync + 'static {
    fn allows(&self, caller: Caller<'_>, operation: Operation, resource: Resource<'_>) -> bool;
}

/// Everybody may do everything: a cluster without an authorizer.
#[derive(Clone, Copy, Debug, Default)]
pub struct AllowAll;

impl Authorizer for AllowAll {
    fn allows(&self, _caller: Caller<'_>, _operation: Operation, _resource: Resource<'_>) -> bool {
        true
    }
}
