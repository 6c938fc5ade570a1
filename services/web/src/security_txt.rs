//! RFC 9116: whom to tell of a weakness.

use std::time::{Duration, SystemTime};

/// RFC 9116 section 2.5.5 recommends less than a year. The text is made anew for every request.
const VALID: Duration = Duration::from_secs(180 * 86_400);

pub(crate) fn text(contact: &str, now: SystemTime) -> String {
    format!("Contact: {contact}\nExpires: {}\nPreferred-Languages: de, en\n", midnight(now + VALID))
}

/// RFC 3339, the day's beginning in UTC.
fn midnight(time: SystemTime) -> String {
    let days = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs() / 86_400;
    let (year, month, day) = civil(days);
    format!("{year:04}-{month:02}-{day:02}T00:00:00Z")
}

/// The Gregorian date, days after 1970-01-01. Counted in years that begin in March, so that the leap day is
/// the last one.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468; // since 0000-03-01
    let era = days / 146_097;
    let of_era = days % 146_097;
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(59), (1970, 3, 1));
        assert_eq!(civil(11_016), (2000, 2, 29));
        assert_eq!(civil(20_819), (2027, 1, 1));
    }

    #[test]
    fn it_expires_within_a_year() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(20_819 * 86_400 + 5);
        let text = text("mailto:security@example.org", now);
        assert_eq!(
            text,
            "Contact: mailto:security@example.org\nExpires: 2027-06-30T00:00:00Z\nPreferred-Languages: de, en\n"
        );
    }
}
