//! The leader epoch that a client knows, against the present one (KIP-320).

use milena_protocol::ErrorCode;
use milena_storage::Partition;

/// FENCED_LEADER_EPOCH when the client's is older, UNKNOWN_LEADER_EPOCH when it is newer. -1 is not
/// checked.
pub(crate) fn check_leader_epoch(partition: &Partition, epoch: i32) -> Result<(), ErrorCode> {
    let current = partition.leader_epoch().raw();
    match epoch {
        epoch if epoch < 0 || epoch == current => Ok(()),
        epoch if epoch < current => Err(ErrorCode::FencedLeaderEpoch),
        _ => Err(ErrorCode::UnknownLeaderEpoch),
    }
}
