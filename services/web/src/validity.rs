//! When a certificate expires (RFC 5280 section 4.1.2.5): the only field of X.509 that is read here.

use std::time::{Duration, SystemTime};

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// None if this is no certificate.
pub(crate) fn not_after(certificate: &[u8]) -> Option<SystemTime> {
    let (certificate, _) = content(certificate, SEQUENCE)?;
    let (fields, _) = content(certificate, SEQUENCE)?;
    let fields = content(fields, VERSION).map_or(fields, |(_, rest)| rest);
    let (_serial, fields) = content(fields, INTEGER)?;
    let (_algorithm, fields) = content(fields, SEQUENCE)?;
    let (_issuer, fields) = content(fields, SEQUENCE)?;
    let (validity, _) = content(fields, SEQUENCE)?;
    let not_after = first(validity)?.rest;
    match *not_after.first()? {
        UTC_TIME => {
            let (text, _) = content(not_after, UTC_TIME)?;
            let year = number(text.get(..2)?)?;
            // Two digits are a year from 1950 to 2049.
            time(if year < 50 { 2_000 + year } else { 1_900 + year }, &text[2..])
        }
        _ => {
            let (text, _) = content(not_after, GENERALIZED_TIME)?;
            time(number(text.get(..4)?)?, &text[4..])
        }
    }
}

/// A DER element (X.690 section 8.1), and what follows it.
struct Element<'a> {
    tag: u8,
    content: &'a [u8],
    rest: &'a [u8],
}

/// The content of the first element if it has this tag, and what follows.
fn content(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let element = first(der)?;
    (element.tag == tag).then_some((element.content, element.rest))
}

fn first(der: &[u8]) -> Option<Element<'_>> {
    let (&[tag, length], rest) = der.split_first_chunk::<2>()?;
    let (length, rest) = match length {
        0..=0x7f => (usize::from(length), rest),
        0x81..=0x84 => {
            let (length, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
            (length.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some(Element { tag, content, rest })
}

/// `MMDDHHMMSSZ` of a year.
fn time(year: u64, text: &[u8]) -> Option<SystemTime> {
    let (digits, zone) = text.split_at_checked(10)?;
    if zone != b"Z" {
        return None;
    }
    let part = |index: usize| number(&digits[2 * index..2 * index + 2]);
    let days = days(year, part(0)?, part(1)?)?;
    let seconds = days * 86_400 + part(2)? * 3_600 + part(3)? * 60 + part(4)?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

fn number(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + u64::from(digit - b'0')))
}

/// Days from 1970-01-01 to a day of the Gregorian calendar.
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    const BEFORE: [u64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let before = BEFORE.get(usize::try_from(month).ok()?.checked_sub(1)?)?;
    let leaps = |year: u64| year / 4 - year / 100 + year / 400;
    let is_leap = leaps(year) > leaps(year.checked_sub(1)?);
    let since_1970 = year.checked_sub(1_970)? * 365 + leaps(year - 1) - leaps(1_969);
    (1..=31).contains(&day).then(|| since_1970 + before + u64::from(is_leap && month > 2) + day - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unix(year: i32, month: u8, day: u8) -> SystemTime {
        let mut params = rcgen::CertificateParams::new(["box.example".to_owned()]).unwrap();
        params.not_after = rcgen::date_time_ymd(year, month, day) + Duration::from_secs(3_723);
        let expected = params.not_after.unix_timestamp();
        let certificate = params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap();
        let found = not_after(certificate.der()).unwrap();
        let seconds = found.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        assert_eq!(i64::try_from(seconds).unwrap(), expected, "{year}-{month}-{day}");
        found
    }

    #[test]
    fn the_end_is_read_from_both_kinds_of_dates() {
        for (year, month, day) in [(2027, 12, 24), (2028, 2, 29), (2049, 12, 31), (2050, 1, 1), (4096, 3, 1)]
        {
            unix(year, month, day);
        }
        assert!(unix(2028, 2, 29) < unix(2028, 3, 1));
    }

    #[test]
    fn rubbish_has_no_end() {
        let mut random = fastrand::Rng::with_seed(7);
        let good = rcgen::CertificateParams::new(["box.example".to_owned()]).unwrap();
        let good = good.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().der().to_vec();
        for _ in 0..20_000 {
            let mut bad = good.clone();
            bad.truncate(random.usize(..bad.len()));
            for _ in 0..random.usize(1..8) {
                let length = bad.len();
                if length > 0 {
                    bad[random.usize(..length)] = random.u8(..);
                }
            }
            let _ = not_after(&bad); // whatever it says, it must not panic
        }
        assert_eq!(not_after(b""), None);
        assert_eq!(not_after(&good[..100]), None);
    }
}
