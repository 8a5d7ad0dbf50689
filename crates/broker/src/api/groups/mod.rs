//! Consumer groups and their offsets.

pub(crate) mod apis;
mod delete_groups;
mod describe_groups;
mod find_coordinator;
mod heartbeat;
mod join_group;
mod leave_group;
mod list_groups;
mod offset_commit;
mod offset_delete;
mod offset_fetch;
mod sync_group;

use self::apis::GroupApis;
use super::handled::family;

family!(GroupApis:
    heartbeat,
    offset_commit,
    offset_fetch,
    join_group,
    sync_group,
    leave_group,
    find_coordinator,
    describe_groups,
    list_groups,
    delete_groups,
    offset_delete,
);
