//! Moments as AWS writes them: `20150830T123600Z` in signatures, `2015-08-30T12:36:00.000Z` in
//! answers.
//!
//! A moment is milliseconds since 1970-01-01T00:00:00Z. Only UTC, only the proleptic Gregorian
//! calendar, years 1970 to 9999; leap seconds do not exist.

const DAY_MS: i64 = 86_400_000;

/// A moment as an ISO-8601 text with milliseconds, such as `2015-08-30T12:36:00.000Z`.
pub fn iso8601(wall_ms: i64) -> String {
    let (year, month, day) = date_of(wall_ms.div_euclid(DAY_MS));
    let ms = wall_ms.rem_euclid(DAY_MS);
    let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", ms % 1000)
}

/// A moment as signatures write it, such as `20150830T123600Z`. Milliseconds are cut off.
pub fn amz_date(wall_ms: i64) -> String {
    let mut text = iso8601(wall_ms);
    text.retain(|c| c != '-' && c != ':');
    text.replace_range(15..19, "");
    text
}

/// Reads `20150830T123600Z`. `None` when the text is anything else.
pub fn parse_amz_date(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    if bytes.len() != 16 || bytes[8] != b'T' || bytes[15] != b'Z' {
        return None;
    }
    let number = |from: usize, to: usize| {
        let digits = &bytes[from..to];
        let all = digits.iter().all(u8::is_ascii_digit);
        all.then(|| digits.iter().fold(0i64, |n, d| n * 10 + i64::from(d - b'0')))
    };
    let (year, month, day) = (number(0, 4)?, number(4, 6)?, number(6, 8)?);
    let (hour, minute, second) = (number(9, 11)?, number(11, 13)?, number(13, 15)?);
    if hour > 23 || minute > 59 || second > 59 || year < 1970 {
        return None;
    }
    let days = days_before(year, month, day);
    // A day that does not exist, such as 31 February, comes back as another one.
    if date_of(days) != (year, month, day) {
        return None;
    }
    Some(days * DAY_MS + ((hour * 60 + minute) * 60 + second) * 1000)
}

/// Days from 1970-01-01 to the given date. The year is taken to begin in March, so that the leap
/// day is its last.
fn days_before(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year / 4 - year / 100 + year / 400;
    year * 365 + leap_days + (month * 153 + 2) / 5 + day - 1 - 719_468
}

/// The date that is `days` days after 1970-01-01.
fn date_of(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (year_of_era * 365 + year_of_era / 4 - year_of_era / 100);
    let month = (day_of_year * 5 + 2) / 153;
    let day = day_of_year - (month * 153 + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year_of_era + next, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_aws_writes_them() {
        assert_eq!(iso8601(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(iso8601(1_440_938_160_123), "2015-08-30T12:36:00.123Z");
        assert_eq!(amz_date(1_440_938_160_123), "20150830T123600Z");
        assert_eq!(iso8601(1_709_164_800_000), "2024-02-29T00:00:00.000Z");
    }

    #[test]
    fn every_day_reads_back() {
        for day in 0..80_000 {
            let moment = day * DAY_MS + 45_296_000;
            assert_eq!(parse_amz_date(&amz_date(moment)), Some(moment), "day {day}");
        }
    }

    #[test]
    fn what_is_not_a_moment_is_refused() {
        for text in [
            "",
            "20150830",
            "20150231T000000Z",
            "20151301T000000Z",
            "20150830T246000Z",
            "2015083aT123600Z",
        ] {
            assert_eq!(parse_amz_date(text), None, "{text}");
        }
    }
}
