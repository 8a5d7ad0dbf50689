//! How much memory this process may use, and the default share of the block cache.

use std::{fs, ops::RangeInclusive};

/// The bounds of the block cache's default size, in MiB.
const CACHE_MIB: RangeInclusive<u64> = 64..=4096;
/// Taken where the system does not tell.
const MEMORY_MIB_UNKNOWN: u64 = 1024;

/// An eighth of the memory, within [`CACHE_MIB`]: reading from memory costs a third of reading from
/// a disk, and unlike a page cache this one is not given back when others need it.
pub(crate) fn cache_mib_default() -> u64 {
    (memory_mib().unwrap_or(MEMORY_MIB_UNKNOWN) / 8).clamp(*CACHE_MIB.start(), *CACHE_MIB.end())
}

/// The machine's memory, or the control group's limit, in MiB.
fn memory_mib() -> Option<u64> {
    let machine = total_kib(&fs::read_to_string("/proc/meminfo").ok()?)? >> 10;
    let allowed = fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
    let allowed = allowed.and_then(|text| text.trim().parse::<u64>().ok()).map(|bytes| bytes >> 20);
    Some(machine.min(allowed.unwrap_or(u64::MAX)))
}

/// The line `MemTotal: 24689764 kB`.
fn total_kib(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machines_memory_is_read_and_the_cache_stays_in_bounds() {
        assert_eq!(total_kib("MemFree: 1 kB\nMemTotal:       24689764 kB\n"), Some(24_689_764));
        assert_eq!(total_kib("nothing of use"), None);
        assert!(CACHE_MIB.contains(&cache_mib_default()));
    }
}
