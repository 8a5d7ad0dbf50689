//! The state of a group, and of its rebalance.

use std::fmt;

/// The state of a group.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum GroupState {
    /// No members; perhaps offsets.
    Empty,
    /// Members are joining.
    PreparingRebalance,
    /// All have joined; the leader's assignment is awaited.
    CompletingRebalance,
    /// Every member has, or can ask for, its assignment.
    Stable,
    /// Its deletion is on the way into the log.
    Dead,
}

impl GroupState {
    /// The name that the protocol uses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::PreparingRebalance => "PreparingRebalance",
            Self::CompletingRebalance => "CompletingRebalance",
            Self::Stable => "Stable",
            Self::Dead => "Dead",
        }
    }
}

impl fmt::Display for GroupState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The progress of the joins of a rebalance.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum JoinPhase {
    /// The first rebalance of an empty group waits the whole initial delay, and longer while
    /// members come, up to the rebalance timeout.
    Initial { deadline: u64, remaining_ms: u64 },
    /// Ends as soon as all members have joined, at the latest at the deadline.
    Joining { deadline: u64 },
}

impl JoinPhase {
    pub(crate) const fn deadline(self) -> u64 {
        match self {
            Self::Initial { deadline, .. } | Self::Joining { deadline } => deadline,
        }
    }
}
