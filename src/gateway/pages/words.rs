//! Numbers in words for people.

use jiff::Timestamp;

/// A span of time, in the largest unit that tells it well.
pub(super) fn duration(seconds: i64) -> String {
    let (count, unit) = match seconds.max(0) {
        seconds @ 0..120 => (seconds, "second"),
        seconds @ 120..7200 => (seconds.saturating_add(59) / 60, "minute"),
        seconds @ 7200..172_800 => (seconds.saturating_add(3599) / 3600, "hour"),
        seconds => (seconds.saturating_add(86_399) / 86_400, "day"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
}

/// A day, in UTC.
pub(super) fn day(unix_seconds: i64) -> String {
    written(unix_seconds, "%-d %B %Y")
}

/// A minute, in UTC.
pub(super) fn minute(unix_seconds: i64) -> String {
    written(unix_seconds, "%-d %B %Y, %H:%M UTC")
}

/// A time beyond the calendar is not written at all.
fn written(unix_seconds: i64, form: &str) -> String {
    Timestamp::from_second(unix_seconds).map(|time| time.strftime(form).to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_rounded_up_to_a_unit() {
        let expected = [
            (0, "0 seconds"),
            (1, "1 second"),
            (60, "60 seconds"),
            (119, "119 seconds"),
            (121, "3 minutes"),
            (600, "10 minutes"),
            (7200, "2 hours"),
            (172_800, "2 days"),
            (i64::MAX, "106751991167300 days"),
        ];
        for (seconds, words) in expected {
            assert_eq!(duration(seconds), words);
        }
    }

    #[test]
    fn times_are_written_in_utc() {
        assert_eq!(day(1_795_275_845), "21 November 2026");
        assert_eq!(minute(1_795_275_845), "21 November 2026, 15:44 UTC");
        assert_eq!(day(i64::MAX), "");
    }
}
