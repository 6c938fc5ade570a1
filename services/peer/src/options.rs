//! What a call is told, and the link it joins by.

use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug, Clone)]
pub struct Options {
    pub link: Link,
    /// PEM file with the certificates to trust.
    pub ca: PathBuf,
    pub name: String,
    /// From the first connection attempt to the goodbye.
    pub duration: Duration,
    pub send: Send,
    /// Receive slots for video. As many audio slots, three at the most, are their pairs.
    pub receive: usize,
    /// Device pixels that every watched tile asks for.
    pub tile: (u16, u16),
    /// Media goes through the TURN server and by no other way.
    pub relay: Option<RelayTransport>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Send {
    pub audio: bool,
    pub video: bool,
    pub screen: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum RelayTransport {
    Udp,
    Tcp,
    Tls,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// As in a URL: an IPv6 address without brackets.
    pub host: String,
    pub port: u16,
    pub secret: String,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum OptionError {
    #[error("`{0}` is not a link to a meeting: it looks like https://HOST:PORT/join#SECRET")]
    Link(String),
    #[error("`{0}` cannot be sent: name audio, video or screen, separated by commas")]
    Send(String),
    #[error("`{0}` is not a size: it looks like 640x360")]
    Tile(String),
}

impl std::str::FromStr for Link {
    type Err = OptionError;

    fn from_str(text: &str) -> Result<Link, OptionError> {
        // The secret must not end up in logs: errors show the part before it only.
        let error = || OptionError::Link(text.split('#').next().unwrap_or_default().to_owned());
        let (before, secret) = text.split_once('#').ok_or_else(error)?;
        let rest = before.strip_prefix("https://").ok_or_else(error)?;
        let authority = rest.strip_suffix("/join").ok_or_else(error)?;
        let (host, port) = split_authority(authority).ok_or_else(error)?;
        if host.is_empty() || secret.is_empty() {
            return Err(error());
        }
        Ok(Link { host: host.to_owned(), port, secret: secret.to_owned() })
    }
}

impl Link {
    /// Host and port as they stand in a URL.
    pub fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

/// Host and port of `HOST[:PORT]`; 443 without a port.
fn split_authority(authority: &str) -> Option<(&str, u16)> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        return match rest.strip_prefix(':') {
            Some(port) => Some((host, port.parse().ok()?)),
            None => rest.is_empty().then_some((host, 443)),
        };
    }
    match authority.split_once(':') {
        Some((host, port)) => Some((host, port.parse().ok()?)),
        None => Some((authority, 443)),
    }
}

impl std::str::FromStr for Send {
    type Err = OptionError;

    fn from_str(text: &str) -> Result<Send, OptionError> {
        let mut send = Send::default();
        for name in text.split(',').filter(|name| !name.is_empty() && *name != "none") {
            match name {
                "audio" => send.audio = true,
                "video" => send.video = true,
                "screen" => send.screen = true,
                other => return Err(OptionError::Send(other.to_owned())),
            }
        }
        Ok(send)
    }
}

pub fn parse_tile(text: &str) -> Result<(u16, u16), OptionError> {
    let size =
        text.split_once('x').and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
    size.filter(|(width, height)| *width > 0 && *height > 0).ok_or_else(|| OptionError::Tile(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_links() {
        let link = |text: &str| text.parse::<Link>();
        let parsed = link("https://meet.example:8443/join#abc_-1").unwrap();
        assert_eq!(
            (parsed.host.as_str(), parsed.port, parsed.secret.as_str()),
            ("meet.example", 8443, "abc_-1")
        );
        assert_eq!(link("https://meet.example/join#s").unwrap().port, 443);
        assert_eq!(link("https://[2001:db8::1]:444/join#s").unwrap().authority(), "[2001:db8::1]:444");
        for wrong in [
            "",
            "https://meet.example/join",
            "https://meet.example/join#",
            "http://meet.example/join#s",
            "https:///join#s",
            "https://meet.example/#s",
            "https://meet.example:x/join#s",
            "https://[::1/join#s",
        ] {
            let error = link(wrong).unwrap_err().to_string();
            assert!(!error.contains("#s`"), "the secret stays out of errors: {error}");
        }
    }

    #[test]
    fn reads_what_to_send() {
        assert_eq!("audio,video".parse(), Ok(Send { audio: true, video: true, screen: false }));
        assert_eq!("none".parse(), Ok(Send::default()));
        assert_eq!("".parse(), Ok(Send::default()));
        assert!("camera".parse::<Send>().is_err());
    }

    #[test]
    fn reads_tiles() {
        assert_eq!(parse_tile("640x360"), Ok((640, 360)));
        assert!(parse_tile("640").is_err() && parse_tile("0x1").is_err() && parse_tile("99999x1").is_err());
    }
}
