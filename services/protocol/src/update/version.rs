//! Versions of the image: `1.4.0`.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Two to four numbers with dots between them, compared number by number, as systemd-boot and
/// systemd-sysupdate do.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version(Vec<u32>);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no version: it is made of two to four numbers, as in 1.4.0")]
pub struct VersionError(pub String);

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Version, VersionError> {
        let error = || VersionError(text.chars().take(40).collect());
        let numbers = text.split('.').map(number).collect::<Option<Vec<u32>>>().ok_or_else(error)?;
        if (2..=4).contains(&numbers.len()) { Ok(Version(numbers)) } else { Err(error()) }
    }
}

/// Written in one way only: `1.04` would be another file name for the same version.
fn number(text: &str) -> Option<u32> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if plain && text.len() <= 8 { text.parse().ok() } else { None }
}

impl TryFrom<String> for Version {
    type Error = VersionError;

    fn try_from(text: String) -> Result<Version, VersionError> {
        text.parse()
    }
}

impl From<Version> for String {
    fn from(version: Version) -> String {
        version.to_string()
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, number) in self.0.iter().enumerate() {
            write!(f, "{}{number}", if place == 0 { "" } else { "." })?;
        }
        Ok(())
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    #[test]
    fn numbers_are_compared_as_numbers() {
        assert!(version("0.10.0") > version("0.9.9"));
        assert!(version("1.0.1") > version("1.0"));
        assert_eq!(version("1.2.3").to_string(), "1.2.3");
    }

    #[test]
    fn whatever_could_be_written_twice_is_refused() {
        for wrong in
            ["", "1", "1.", ".1", "1.2.3.4.5", "01.2", "1.2-rc1", "1. 2", "1.+2", "1.123456789", "1/2"]
        {
            assert!(wrong.parse::<Version>().is_err(), "{wrong:?}");
        }
    }
}
