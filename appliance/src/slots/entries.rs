//! Names of boot entries: `plenum_VERSION.efi`, with tries `plenum_VERSION+LEFT-DONE.efi`.

use plenum_protocol::update::Version;
use std::fmt;
use std::str::FromStr;

/// How often a version is tried.
pub const TRIES: u32 = 3;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub version: Version,
    /// `None`: it is not counted.
    pub left: Option<u32>,
    pub done: u32,
}

impl Entry {
    pub fn counted(version: &Version) -> Entry {
        Entry { version: version.clone(), left: Some(TRIES), done: 0 }
    }

    pub fn uncounted(version: &Version) -> Entry {
        Entry { version: version.clone(), left: None, done: 0 }
    }

    /// systemd-boot starts it only when nothing else is there.
    pub fn is_bad(&self) -> bool {
        self.left == Some(0)
    }
}

impl FromStr for Entry {
    type Err = ();

    fn from_str(name: &str) -> Result<Entry, ()> {
        let name = name.strip_prefix("plenum_").and_then(|it| it.strip_suffix(".efi")).ok_or(())?;
        let number = |text: &str| text.parse::<u32>().map_err(drop);
        let (version, left, done) = match name.split_once('+') {
            None => (name, None, 0),
            Some((version, tries)) => match tries.split_once('-') {
                None => (version, Some(number(tries)?), 0),
                Some((left, done)) => (version, Some(number(left)?), number(done)?),
            },
        };
        Ok(Entry { version: version.parse().map_err(drop)?, left, done })
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "plenum_{}", self.version)?;
        match (self.left, self.done) {
            (None, _) => {}
            (Some(left), 0) => write!(f, "+{left}")?,
            (Some(left), done) => write!(f, "+{left}-{done}")?,
        }
        f.write_str(".efi")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_what_systemd_boot_does() {
        for name in ["plenum_0.2.0.efi", "plenum_0.2.0+3.efi", "plenum_0.2.0+2-1.efi", "plenum_0.2.0+0-3.efi"]
        {
            assert_eq!(name.parse::<Entry>().unwrap().to_string(), name);
        }
        assert!("plenum_0.2.0+0-3.efi".parse::<Entry>().unwrap().is_bad());
        assert_eq!("plenum_0.2.0+2-1.efi".parse::<Entry>().unwrap().left, Some(2));
        for other in
            ["plenum_x.efi", "other_0.2.0.efi", "plenum_0.2.0+a.efi", "plenum_0.2.0", "plenum_0.2.0+1-.efi"]
        {
            assert!(other.parse::<Entry>().is_err(), "{other}");
        }
    }
}
