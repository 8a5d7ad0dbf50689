//! Timestamps as AWS writes them: `20150830T123600Z` in signatures, `2015-08-30T12:36:00.000Z` in
//! responses. All are UTC; numbers are milliseconds since 1970-01-01T00:00:00Z.

use chrono::{DateTime, NaiveDateTime, Utc};

/// With milliseconds, such as `2015-08-30T12:36:00.000Z`.
pub fn iso8601(wall_ms: i64) -> String {
    utc(wall_ms).format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

const AMZ_DATE: &str = "%Y%m%dT%H%M%SZ";

/// As in the header `x-amz-date`, such as `20150830T123600Z`. Milliseconds are cut off.
pub(crate) fn amz_date(wall_ms: i64) -> String {
    utc(wall_ms).format(AMZ_DATE).to_string()
}

/// Reads `20150830T123600Z`. `None` when the text is anything else or before 1970.
pub(crate) fn parse_amz_date(text: &str) -> Option<i64> {
    let wall_ms = NaiveDateTime::parse_from_str(text, AMZ_DATE).ok()?.and_utc().timestamp_millis();
    // The parser also takes signs, spaces and leap seconds.
    (wall_ms >= 0 && amz_date(wall_ms) == text).then_some(wall_ms)
}

fn utc(wall_ms: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(wall_ms).unwrap_or(DateTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: i64 = 86_400_000;

    #[test]
    fn timestamps_are_written_as_aws_writes_them() {
        assert_eq!(iso8601(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(iso8601(1_440_938_160_123), "2015-08-30T12:36:00.123Z");
        assert_eq!(amz_date(1_440_938_160_123), "20150830T123600Z");
        assert_eq!(iso8601(1_709_164_800_000), "2024-02-29T00:00:00.000Z");
    }

    #[test]
    fn every_day_reads_back() {
        for day in 0..80_000 {
            let wall_ms = day * DAY_MS + 45_296_000;
            assert_eq!(parse_amz_date(&amz_date(wall_ms)), Some(wall_ms), "day {day}");
        }
    }

    #[test]
    fn what_is_not_a_timestamp_is_refused() {
        for text in [
            "",
            "20150830",
            "20150231T000000Z",
            "20151301T000000Z",
            "20150830T246000Z",
            "20150830T235960Z",
            "2015083aT123600Z",
            "+2015083T123600Z",
            "2015 830T123600Z",
            "20150830T123600Z ",
            "20150830T123600z",
            "19691231T235959Z",
        ] {
            assert_eq!(parse_amz_date(text), None, "{text}");
        }
    }
}
