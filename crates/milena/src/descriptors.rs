//! The process's limit of open files, and what of it connections get.

/// What is kept for logs, objects and the metadata store: a part, within these bounds.
const FILES: (u64, std::ops::RangeInclusive<u64>) = (4, 64..=8192);
/// What is kept for the connections of the API.
const API: (u64, std::ops::RangeInclusive<u64>) = (16, 16..=1024);
/// Standard input and output, executors, listeners.
const OTHERS: u64 = 48;

/// Raises the limit as far as this process may, and returns it.
#[cfg(unix)]
pub(crate) fn raise_limit() -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if limit.current == limit.maximum {
        return limit.current;
    }
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(error) => {
            tracing::debug!(%error, "the limit of open files stays as it is");
            limit.current
        }
    }
}

#[cfg(not(unix))]
pub(crate) fn raise_limit() -> Option<u64> {
    None
}

/// How many connections of clients a process with such a limit may have.
pub(crate) fn connections(limit: Option<u64>) -> usize {
    let Some(limit) = limit else { return usize::MAX };
    let part = |(part, bounds): &(u64, std::ops::RangeInclusive<u64>)| {
        (limit / part).clamp(*bounds.start(), *bounds.end())
    };
    let left = limit.saturating_sub(part(&FILES) + part(&API) + OTHERS);
    usize::try_from(left).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_the_api_keep_their_part() {
        assert_eq!(connections(Some(256)), 256 - 64 - 16 - 48);
        assert_eq!(connections(Some(1024)), 1024 - 256 - 64 - 48);
        assert_eq!(connections(Some(1 << 20)), (1 << 20) - 8192 - 1024 - 48);
        assert_eq!(connections(Some(10)), 0);
        assert_eq!(connections(None), usize::MAX);
    }

    #[cfg(unix)]
    #[test]
    fn the_limit_is_raised_to_the_hard_one() {
        use rustix::process::{Resource, getrlimit};
        let raised = raise_limit();
        let limit = getrlimit(Resource::Nofile);
        assert_eq!((raised, limit.current), (limit.maximum, limit.maximum));
    }
}
