//! The start position in a partition, as written on the command line.

use std::time::Duration;

use milena_client::StartAt;
use milena_types::{Offset, Timestamp};

/// A span counts back from the time of the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StartPosition {
    At(StartAt),
    Ago(Duration),
}

impl StartPosition {
    /// Reads `beginning`, `end`, an offset, or a time span such as `10m` (seconds, minutes, hours,
    /// days ago).
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        match text {
            "beginning" => return Ok(Self::At(StartAt::Beginning)),
            "end" => return Ok(Self::At(StartAt::End)),
            _ => {}
        }
        if let Ok(offset @ 0..) = text.parse::<i64>() {
            return Ok(Self::At(StartAt::Offset(Offset(offset))));
        }
        let seconds = match text.char_indices().last() {
            Some((at, unit)) => {
                text[..at].parse::<u64>().ok().and_then(|n| n.checked_mul(seconds_of(unit)?))
            }
            None => None,
        };
        let ago = seconds.map(|s| Self::Ago(Duration::from_secs(s)));
        ago.ok_or_else(|| {
            format!("'{text}' is no place; write beginning, end, an offset, or a span such as 10m")
        })
    }

    /// The position to ask the cluster for, at a wall-clock time in ms.
    pub(crate) fn start(self, now_ms: i64) -> StartAt {
        match self {
            Self::At(start) => start,
            Self::Ago(span) => {
                let span = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
                StartAt::Time(Timestamp(now_ms.saturating_sub(span).max(0)))
            }
        }
    }
}

fn seconds_of(unit: char) -> Option<u64> {
    Some(match unit {
        's' => 1,
        'm' => 60,
        'h' => 60 * 60,
        'd' => 24 * 60 * 60,
        _ => return None,
    })
}
