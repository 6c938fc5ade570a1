//! SIOCETHTOOL (linux/ethtool.h). Every structure used here is a run of 32-bit words whose first is the
//! command, so that one `unsafe` call serves them all.

#![allow(unsafe_code)]

use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
use std::os::fd::{AsRawFd, OwnedFd};

const GCOALESCE: u32 = 0x0e;
const GRINGPARAM: u32 = 0x10;
const GSTRINGS: u32 = 0x1b;
const GSSET_INFO: u32 = 0x37;
const GFEATURES: u32 = 0x3a;
const SFEATURES: u32 = 0x3b;
const GCHANNELS: u32 = 0x3c;
const SS_FEATURES: u32 = 4;
const STRING_LEN: usize = 32;

/// A structure with words to read and write: command to get it, command to set it, length in words, and the
/// words we know by their names.
struct Group {
    name: &'static str,
    get: u32,
    set: u32,
    len: usize,
    words: &'static [(&'static str, usize)],
}

const GROUPS: &[Group] = &[
    Group {
        name: "ring",
        get: GRINGPARAM,
        set: 0x11,
        len: 9,
        words: &[("rx-max", 1), ("tx-max", 4), ("rx", 5), ("tx", 8)],
    },
    Group {
        name: "channels",
        get: GCHANNELS,
        set: 0x3d,
        len: 9,
        words: &[("combined-max", 4), ("combined", 8)],
    },
    Group {
        name: "coalesce",
        get: GCOALESCE,
        set: 0x0f,
        len: 23,
        words: &[("rx-usecs", 1), ("adaptive-rx", 10)],
    },
];

pub(crate) struct Ethtool {
    socket: OwnedFd,
    nic: String,
}

impl Ethtool {
    pub(crate) fn open(nic: &str) -> Result<Ethtool, Errno> {
        let socket = socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?;
        Ok(Ethtool { socket, nic: nic.to_owned() })
    }

    /// Everything that this NIC knows, as `group/word` and value. What it does not know is left out.
    pub(crate) fn read(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        for group in GROUPS {
            let Ok(words) = self.group(group) else { continue };
            found.extend(
                group
                    .words
                    .iter()
                    .map(|(word, at)| (format!("{}/{word}", group.name), words[*at].to_string())),
            );
        }
        for feature in self.features().unwrap_or_default() {
            found.push((format!("features/{}", feature.name), feature.text().to_owned()));
        }
        found
    }

    /// Sets one of those that [`Ethtool::read`] names.
    pub(crate) fn write(&self, group: &str, word: &str, value: &str) -> Result<(), Errno> {
        if group == "features" {
            return self.set_feature(word, value == "on");
        }
        let group = GROUPS.iter().find(|it| it.name == group).ok_or(Errno::EINVAL)?;
        let (_, at) = group.words.iter().find(|(name, _)| *name == word).ok_or(Errno::EINVAL)?;
        let mut words = self.group(group)?;
        words[0] = group.set;
        words[*at] = value.parse().map_err(|_| Errno::EINVAL)?;
        self.call(&mut words)
    }

    fn group(&self, group: &Group) -> Result<Vec<u32>, Errno> {
        let mut words = vec![0; group.len];
        words[0] = group.get;
        self.call(&mut words)?;
        Ok(words)
    }

    fn features(&self) -> Result<Vec<Feature>, Errno> {
        // The mask is 64 bits, the lower word first on the little-endian machines that we run on.
        let mut info = [GSSET_INFO, 0, 1 << SS_FEATURES, 0, 0];
        self.call(&mut info)?;
        let count = (info[4] as usize).min(1_024);
        let mut strings = vec![0; 3 + count * STRING_LEN / 4];
        strings[..3].copy_from_slice(&[GSTRINGS, SS_FEATURES, count as u32]);
        self.call(&mut strings)?;
        let bytes: Vec<u8> = strings[3..].iter().flat_map(|word| word.to_ne_bytes()).collect();
        let blocks = count.div_ceil(32);
        let mut states = vec![0; 2 + blocks * 4];
        states[..2].copy_from_slice(&[GFEATURES, blocks as u32]);
        self.call(&mut states)?;
        let names = bytes.chunks(STRING_LEN).map(|name| {
            let end = name.iter().position(|byte| *byte == 0).unwrap_or(STRING_LEN);
            String::from_utf8_lossy(&name[..end]).into_owned()
        });
        Ok(names
            .enumerate()
            .filter(|(_, name)| !name.is_empty())
            .map(|(bit, name)| {
                let block = &states[2 + bit / 32 * 4..][..4];
                let is = |word: usize| block[word] >> (bit % 32) & 1 == 1;
                Feature { bit, name, changeable: is(0) && !is(3), on: is(2) }
            })
            .collect())
    }

    fn set_feature(&self, name: &str, on: bool) -> Result<(), Errno> {
        let features = self.features()?;
        let feature = features.iter().find(|it| it.name == name).ok_or(Errno::EOPNOTSUPP)?;
        let blocks = features.last().map_or(0, |it| it.bit / 32 + 1);
        let mut words = vec![0; 2 + blocks * 2];
        words[..2].copy_from_slice(&[SFEATURES, blocks as u32]);
        let bit = 1 << (feature.bit % 32);
        words[2 + feature.bit / 32 * 2] = bit;
        words[3 + feature.bit / 32 * 2] = if on { bit } else { 0 };
        self.call(&mut words)
    }

    fn call(&self, words: &mut [u32]) -> Result<(), Errno> {
        // SAFETY: all-zero is a valid ifreq.
        let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
        let name = self.nic.as_bytes();
        // The last byte stays zero.
        if name.len() >= request.ifr_name.len() {
            return Err(Errno::ENODEV);
        }
        for (to, from) in request.ifr_name.iter_mut().zip(name) {
            *to = *from as libc::c_char;
        }
        request.ifr_ifru.ifru_data = words.as_mut_ptr().cast();
        // SAFETY: `request` and `words` outlive the call. The kernel writes what the structure of the command
        // in `words[0]` has, or as many elements as its count says; the callers above size `words` by these.
        let result =
            unsafe { libc::ioctl(self.socket.as_raw_fd(), libc::SIOCETHTOOL as _, &raw mut request) };
        Errno::result(result).map(drop)
    }
}

struct Feature {
    bit: usize,
    name: String,
    changeable: bool,
    on: bool,
}

impl Feature {
    fn text(&self) -> &'static str {
        match (self.on, self.changeable) {
            (true, true) => "on",
            (false, true) => "off",
            (true, false) => "on [fixed]",
            (false, false) => "off [fixed]",
        }
    }
}
