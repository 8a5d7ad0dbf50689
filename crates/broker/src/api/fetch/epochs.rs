//! The leader epoch a client believes in, against the one that is (KIP-320).

use milena_protocol::ErrorCode;
use milena_storage::Partition;

/// FENCED_LEADER_EPOCH when the client's is older, UNKNOWN_LEADER_EPOCH when it is newer. -1 asks
/// for no check.
pub(crate) fn check_leader_epoch(partition: &Partition, asked: i32) -> Result<(), ErrorCode> {
    let current = partition.leader_epoch().raw();
    match asked {
        asked if asked < 0 || asked == current => Ok(()),
        asked if asked < current => Err(ErrorCode::FencedLeaderEpoch),
        _ => Err(ErrorCode::UnknownLeaderEpoch),
    }
}
