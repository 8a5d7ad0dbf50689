//! The record of an operation on a cluster, as DescribeClusterOperation shows it.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{record::FailureReason, wire::MutableClusterInfo};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct OperationRecord {
    pub(crate) id: Uuid,
    /// Such as `REBOOT_NODE`.
    pub(crate) kind: String,
    /// Such as `REBOOT_IN_PROGRESS`.
    pub(crate) state: String,
    pub(crate) created_ms: i64,
    pub(crate) ended_ms: Option<i64>,
    /// The id of the request that started it.
    pub(crate) request_id: String,
    pub(crate) steps: Vec<OperationStep>,
    #[serde(default)]
    pub(crate) error: Option<FailureReason>,
    /// The changed values before and after; both are empty for a reboot.
    #[serde(default)]
    pub(crate) source: MutableClusterInfo,
    #[serde(default)]
    pub(crate) target: MutableClusterInfo,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OperationStep {
    pub(crate) name: String,
    /// PENDING, IN_PROGRESS, COMPLETED or, after a failure, CANCELLED.
    pub(crate) status: String,
}

impl OperationRecord {
    /// Shows the step of that number, from 0, as in progress, and those before it as completed.
    pub(crate) fn mark_step_reached(&mut self, number: usize) {
        for (index, step) in self.steps.iter_mut().enumerate() {
            let status = match index.cmp(&number) {
                std::cmp::Ordering::Less => "COMPLETED",
                std::cmp::Ordering::Equal => "IN_PROGRESS",
                std::cmp::Ordering::Greater => "PENDING",
            };
            step.status = status.to_owned();
        }
    }

    /// Shows it as failed, if there is a failure, or else as complete.
    pub(crate) fn end(&mut self, now_ms: i64, failure: Option<&FailureReason>) {
        let verb = if self.state.starts_with("REBOOT") { "REBOOT" } else { "UPDATE" };
        let outcome = if failure.is_some() { "FAILED" } else { "COMPLETE" };
        self.state = format!("{verb}_{outcome}");
        self.ended_ms = Some(now_ms);
        self.error = failure.cloned();
        for step in &mut self.steps {
            let unfinished = failure.is_some() && step.status != "COMPLETED";
            step.status = if unfinished { "CANCELLED" } else { "COMPLETED" }.to_owned();
        }
    }
}
