//! `root/usr/lib/plenum/listening.list`: every socket that listens, and the firewall's ports made of it.

use anyhow::{Context, Result, bail};
use std::path::Path;

/// Where the list lies in a root.
pub const LIST: &str = "usr/lib/plenum/listening.list";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// `tcp` or `udp`.
    pub protocol: String,
    /// `*`, an address, or a kind of address in capitals.
    pub address: String,
    pub port: u16,
    pub process: String,
    pub reach: Reach,
}

/// Who reaches it through the firewall.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    Everyone,
    /// Everyone, without connection tracking.
    Media,
    /// Answers of DHCP servers.
    Dhcp,
    /// Neighbours on the same wire, by multicast.
    Neighbours,
    Nobody,
}

pub fn read(root: &Path) -> Result<Vec<Listener>> {
    let path = root.join(LIST);
    let text =
        std::fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    parse(&text).with_context(|| format!("{} is not a list of sockets", path.display()))
}

pub fn parse(text: &str) -> Result<Vec<Listener>> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).map(line).collect()
}

fn line(line: &str) -> Result<Listener> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let [protocol, address, port, process, reach] = words[..] else {
        bail!("`{line}`: five words are needed");
    };
    let reach = match reach {
        "yes" => Reach::Everyone,
        "media" => Reach::Media,
        "dhcp" => Reach::Dhcp,
        "neighbours" => Reach::Neighbours,
        "no" => Reach::Nobody,
        other => bail!("`{line}`: `{other}` is none of yes, media, dhcp, neighbours, no"),
    };
    Ok(Listener {
        protocol: protocol.to_owned(),
        address: address.to_owned(),
        port: port.parse().with_context(|| format!("`{line}`: `{port}` is no port"))?,
        process: process.to_owned(),
        reach,
    })
}

/// `/etc/nftables.d/ports.nft`
pub fn firewall(listeners: &[Listener]) -> String {
    let ports = |protocol: &str, reach: Reach| {
        let some = listeners.iter().filter(|one| one.protocol == protocol && one.reach == reach);
        some.map(|one| one.port.to_string()).collect::<Vec<_>>().join(", ")
    };
    format!(
        "define public_tcp = {{ {} }}\ndefine public_udp = {{ {} }}\ndefine media = {{ {} }}\n",
        ports("tcp", Reach::Everyone),
        ports("udp", Reach::Everyone),
        ports("udp", Reach::Media)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use plenum_protocol::settings::{SfuSettings, TurnSettings, WebSettings};

    #[test]
    fn the_firewall_opens_what_the_list_says() {
        let listeners =
            parse("# x\ntcp * 443 web yes\nudp * 10000 sfu media\nudp 127.0.0.53 53 dns no\n").unwrap();
        let ports = firewall(&listeners);
        assert!(ports.starts_with("define public_tcp = { 443 }\n"), "{ports}");
        assert!(ports.contains("define media = { 10000 }"), "{ports}");
        assert!(!ports.contains("53 }"), "{ports}");
    }

    #[test]
    fn the_list_names_the_ports_of_the_settings() {
        let listeners = read(&crate::paths::definitions().join("root")).unwrap();
        let has = |protocol: &str, port: u16| {
            listeners.iter().any(|one| one.protocol == protocol && one.port == port && one.address == "*")
        };
        assert!(has("udp", SfuSettings::default().port));
        assert!(has("tcp", WebSettings::default().listen[0].port()));
        let turn = TurnSettings::default().listen[0].port();
        assert!(has("udp", turn) && has("tcp", turn));
    }
}
