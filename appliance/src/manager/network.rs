//! Network settings apply at once, and are kept when somebody confirms who reaches the box by them. A wrong
//! address takes nobody's box away: after a minute, and at the next start, the former settings hold.

use super::area::Area;
use super::{Manager, Now, Refused, allow, name_of, text};
use crate::access::sessions::Who;
use crate::audit::Draft;
use plenum_daemon::secret::Secret;
use plenum_protocol::manager::{
    AdminRole, AuditEvent, Ipv4Settings, Ipv6Settings, ManagerErrorCode, NetworkSettings, NetworkTrial,
};
use plenum_store::Field;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

/// For a person to follow the new address, click through a browser's warning, and confirm.
pub const CONFIRM_WITHIN: Duration = Duration::from_secs(60);
const MAX_PORTS: usize = 8;
/// Without the byte 0 at its end: IFNAMSIZ of Linux.
const MAX_PORT_CHARS: usize = 15;
const MAX_SERVERS: usize = 4;
const MAX_DOMAINS: usize = 4;
/// Each costs every browser a connectivity check.
const MAX_PUBLIC: usize = 2;
const MAX_EXCEPTIONS: usize = 8;
const MAX_VLAN: u16 = 4_094;

/// Settings that nobody has confirmed yet.
pub(super) struct Trial {
    settings: NetworkSettings,
    who: String,
    until: Duration,
    token: Secret,
}

impl Trial {
    pub(super) fn settings(&self) -> &NetworkSettings {
        &self.settings
    }
}

impl Manager {
    /// Applies them, and takes them back unless they are confirmed.
    pub fn try_network(
        &self,
        who: &Who,
        mut wanted: NetworkSettings,
        now: Now,
    ) -> Result<NetworkTrial, Refused> {
        allow(who, &[AdminRole::Administrator], true)?;
        wanted.check()?;
        // From what holds so far to the trial, nobody else changes it.
        let telling = self.telling();
        let mut kept: NetworkSettings = self.kept()?;
        if kept.revision() != wanted.revision() {
            return Err(Refused::conflict("somebody else has changed it meanwhile").in_field("revision"));
        }
        let before = self.tried().unwrap_or(kept);
        let draft = Draft::new(name_of(who), AuditEvent::NetworkTried, NetworkSettings::NAME);
        self.change(now, draft.change(Some(&before), Some(&wanted)), |_| Ok(()))?;
        let mut memory = self.memory();
        let token = Secret::random(memory.random());
        let until = now.mono + CONFIRM_WITHIN;
        let answer = NetworkTrial {
            addresses: addresses(&wanted),
            settings: wanted.clone(),
            seconds_left: CONFIRM_WITHIN.as_secs() as u32,
            token: token.expose().to_owned(),
        };
        memory.trial = Some(Trial { settings: wanted, who: name_of(who), until, token });
        drop(memory);
        drop(telling);
        self.tell();
        Ok(answer)
    }

    /// With the token alone, because a browser has no session at the new address; or without it by whoever has
    /// signed in there.
    pub fn confirm_network(
        &self,
        token: &str,
        who: Option<&Who>,
        now: Now,
    ) -> Result<NetworkSettings, Refused> {
        let may = who.is_some_and(|who| allow(who, &[AdminRole::Administrator], true).is_ok());
        let late = || {
            let detail = "the settings have been taken back already, or others were tried after them";
            Refused::new(ManagerErrorCode::Conflict, detail).in_field("token")
        };
        // Nobody is told of the former ones between the trial and what is kept.
        let telling = self.telling();
        let trial = self.memory().trial.as_ref().and_then(|it| {
            let right = it.until > now.mono && (it.token.digest().matches(token) || may && token.is_empty());
            right.then(|| (it.who.clone(), it.settings.clone()))
        });
        let (tried_by, settings) = trial.ok_or_else(late)?;
        // If they cannot be kept, they stay a trial, which its time takes back.
        let kept = self.keep(&tried_by, settings, now)?;
        self.memory().trial = None;
        drop(telling);
        self.tell();
        Ok(kept)
    }

    /// Takes back what nobody confirmed in time.
    pub fn pass_time(&self, now: Now) {
        let Some(trial) = self.take_back(now) else { return };
        log::warn!("nobody confirmed the new network settings: the former ones hold again");
        let before = NetworkSettings { revision: 0, ..trial.settings };
        let draft = Draft::new(&trial.who, AuditEvent::NetworkTakenBack, NetworkSettings::NAME)
            .change(Some(&before), None::<&()>);
        if let Err(error) = self.change(now, draft, |_| Ok(())) {
            log::error!(error:%; "the audit log does not say that network settings were taken back");
        }
    }

    /// The trial stays until the machine has been told of the former settings: otherwise those tried would hold on.
    fn take_back(&self, now: Now) -> Option<Trial> {
        let _last = self.telling();
        let over = self.memory().trial.as_ref().is_some_and(|trial| trial.until <= now.mono);
        if !over {
            return None;
        }
        match self.desire_with(None) {
            Ok(desired) => {
                self.desired.send_replace(desired);
                self.memory().trial.take()
            }
            Err(error) => {
                log::error!(error:%; "the network settings that nobody confirmed cannot be taken back yet");
                None
            }
        }
    }

    /// Until the settings that are tried are taken back.
    pub fn seconds_to_confirm(&self, now: Now) -> Option<u32> {
        let memory = self.memory();
        let left = memory.trial.as_ref()?.until.checked_sub(now.mono)?;
        Some(left.as_secs() as u32)
    }

    /// Back to what a box from the factory does: for who stands before it.
    pub fn reset_network(&self, who: &str, now: Now) -> Result<(), Refused> {
        let telling = self.telling();
        let mut kept: NetworkSettings = self.kept()?;
        let wanted = NetworkSettings { revision: *kept.revision(), ..NetworkSettings::default() };
        self.keep(who, wanted, now)?;
        self.memory().trial = None;
        drop(telling);
        self.tell();
        Ok(())
    }
}

/// Those that the settings name.
fn addresses(settings: &NetworkSettings) -> Vec<IpAddr> {
    let mut addresses = Vec::new();
    if let Ipv4Settings::Static { address, .. } = &settings.ipv4 {
        addresses.push(IpAddr::V4(*address));
    }
    if let Ipv6Settings::Static { address, .. } = &settings.ipv6 {
        addresses.push(IpAddr::V6(*address));
    }
    addresses
}

impl Area for NetworkSettings {
    const NAME: &'static str = "network";
    const PURPOSE: &'static str = "says how the box is on the network";
    const FIELDS: &'static [Field] = &[
        Field::new("revision", "how often it was changed"),
        Field::new("ports", "wired ports that are used"),
        Field::new("bond", "how they are tied into one"),
        Field::new("vlan", "number of the VLAN"),
        Field::new("ipv4.mode", "where the IPv4 address comes from"),
        Field::new("ipv4.address", "IPv4 address of the box"),
        Field::new("ipv4.prefix", "length of its network's prefix"),
        Field::new("ipv4.gateway", "router to other networks"),
        Field::new("ipv6.mode", "where the IPv6 address comes from"),
        Field::new("ipv6.address", "IPv6 address of the box"),
        Field::new("ipv6.prefix", "length of its network's prefix"),
        Field::new("ipv6.gateway", "router to other networks"),
        Field::new("dns", "DNS servers"),
        Field::new("domains", "domains for short names"),
        Field::new("public_addresses", "addresses that a router translates into the box's own"),
        Field::new("proxy", "address of the proxy"),
        Field::new("proxy_except", "hosts that are reached without it"),
    ];

    fn revision(&mut self) -> &mut u32 {
        &mut self.revision
    }

    fn check(&mut self) -> Result<(), Refused> {
        self.ports.iter_mut().try_for_each(port_name)?;
        text::list("ports", &mut self.ports, MAX_PORTS)?;
        match (self.bond, self.ports.len()) {
            (Some(_), 0 | 1) => return Err(Refused::malformed("bond", "a bond ties two ports or more")),
            (None, 1) | (Some(_), _) => {}
            (None, _) if self.vlan.is_some() || has_static(self) => {
                let detail = "a static address or a VLAN needs one port, or several in a bond";
                return Err(Refused::malformed("ports", detail));
            }
            (None, _) => {}
        }
        if self.vlan.is_some_and(|vlan| !(1..=MAX_VLAN).contains(&vlan)) {
            return Err(Refused::malformed("vlan", format!("a VLAN has a number from 1 to {MAX_VLAN}")));
        }
        if self.ipv4 == Ipv4Settings::Off && self.ipv6 == Ipv6Settings::Off {
            return Err(Refused::malformed("ipv4", "without IPv4 and IPv6 nobody reaches the box"));
        }
        check_ipv4(&self.ipv4)?;
        check_ipv6(&self.ipv6)?;
        if self
            .dns
            .iter()
            .any(|server| server.is_unspecified() || server.is_multicast() || server.is_loopback())
        {
            return Err(Refused::malformed("dns", "this is not the address of a server"));
        }
        text::list("dns", &mut self.dns, MAX_SERVERS)?;
        self.domains.iter_mut().try_for_each(|domain| text::host_name("domains", domain))?;
        text::list("domains", &mut self.domains, MAX_DOMAINS)?;
        if !self.public_addresses.iter().all(|address| is_reachable(*address)) {
            return Err(Refused::malformed("public_addresses", "nobody reaches a box under this address"));
        }
        text::list("public_addresses", &mut self.public_addresses, MAX_PUBLIC)?;
        text::proxy("proxy", &mut self.proxy)?;
        self.proxy_except.iter_mut().try_for_each(|host| text::host("proxy_except", host))?;
        text::list("proxy_except", &mut self.proxy_except, MAX_EXCEPTIONS)
    }
}

fn has_static(settings: &NetworkSettings) -> bool {
    matches!(settings.ipv4, Ipv4Settings::Static { .. })
        || matches!(settings.ipv6, Ipv6Settings::Static { .. })
}

/// It becomes a word in a file of systemd-networkd.
fn port_name(port: &mut String) -> Result<(), Refused> {
    *port = port.trim().to_owned();
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    match (1..=MAX_PORT_CHARS).contains(&port.len()) && port.bytes().all(good) {
        true => Ok(()),
        false => Err(Refused::malformed("ports", "no port is called so")),
    }
}

fn check_ipv4(settings: &Ipv4Settings) -> Result<(), Refused> {
    let Ipv4Settings::Static { address, prefix, gateway } = settings else { return Ok(()) };
    if !(1..=32).contains(prefix) {
        return Err(Refused::malformed("ipv4.prefix", "the prefix has 1 to 32 bits"));
    }
    let network = |ip: &Ipv4Addr| u32::from(*ip) & mask_v4(*prefix);
    let host = u32::from(*address) & !mask_v4(*prefix);
    // The first and the last address of a network are nobody's (but RFC 3021).
    let nobody = *prefix < 31 && (host == 0 || host == !mask_v4(*prefix));
    if nobody || !is_host(IpAddr::V4(*address)) || address.is_broadcast() {
        return Err(Refused::malformed("ipv4.address", "no box can have this address"));
    }
    match gateway {
        Some(gateway) if gateway == address => {
            Err(Refused::malformed("ipv4.gateway", "this is the address of the box itself"))
        }
        Some(gateway) if network(gateway) != network(address) => {
            Err(Refused::malformed("ipv4.gateway", "the router must be in the network of the address"))
        }
        _ => Ok(()),
    }
}

fn check_ipv6(settings: &Ipv6Settings) -> Result<(), Refused> {
    let Ipv6Settings::Static { address, prefix, gateway } = settings else { return Ok(()) };
    if !(1..=128).contains(prefix) {
        return Err(Refused::malformed("ipv6.prefix", "the prefix has 1 to 128 bits"));
    }
    if !is_reachable(IpAddr::V6(*address)) {
        return Err(Refused::malformed("ipv6.address", "no box can have this address"));
    }
    let network = |ip: &Ipv6Addr| u128::from(*ip) & (u128::MAX << (128 - u32::from(*prefix)).min(127));
    match gateway {
        Some(gateway) if gateway == address => {
            Err(Refused::malformed("ipv6.gateway", "this is the address of the box itself"))
        }
        Some(gateway) if !gateway.is_unicast_link_local() && network(gateway) != network(address) => {
            let detail = "the router must be in the network of the address, or link-local";
            Err(Refused::malformed("ipv6.gateway", detail))
        }
        _ => Ok(()),
    }
}

fn mask_v4(prefix: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0)
}

fn is_host(address: IpAddr) -> bool {
    !address.is_unspecified() && !address.is_loopback() && !address.is_multicast()
}

/// From another network. Private addresses (RFC 1918) are: an institution's own routers lead to them.
fn is_reachable(address: IpAddr) -> bool {
    let good = match address {
        IpAddr::V4(address) => !address.is_broadcast() && !address.is_link_local(),
        IpAddr::V6(address) => !address.is_unicast_link_local() && address.to_ipv4_mapped().is_none(),
    };
    good && is_host(address)
}

#[cfg(test)]
mod tests {
    use super::super::area::Kept;
    use super::*;
    use plenum_protocol::manager::BondMode;

    fn fixed(address: &str, prefix: u8, gateway: Option<&str>) -> NetworkSettings {
        let ipv4 = Ipv4Settings::Static {
            address: address.parse().unwrap(),
            prefix,
            gateway: gateway.map(|gateway| gateway.parse().unwrap()),
        };
        NetworkSettings { ports: vec!["eth0".into()], ipv4, ..NetworkSettings::default() }
    }

    fn fixed6(address: &str, prefix: u8, gateway: Option<&str>) -> NetworkSettings {
        let ipv6 = Ipv6Settings::Static {
            address: address.parse().unwrap(),
            prefix,
            gateway: gateway.map(|gateway| gateway.parse().unwrap()),
        };
        NetworkSettings { ports: vec!["eth0".into()], ipv6, ..NetworkSettings::default() }
    }

    fn field(mut settings: NetworkSettings) -> Option<String> {
        settings.check().err().map(|refused| refused.0.field.unwrap())
    }

    #[test]
    fn dm1_every_stored_field_is_declared() {
        let mut both = fixed("192.0.2.2", 24, Some("192.0.2.1"));
        both.ipv6 = fixed6("2001:db8::2", 64, Some("fe80::1")).ipv6;
        both.bond = Some(BondMode::Lacp);
        both.vlan = Some(7);
        both.dns = vec!["192.0.2.53".parse().unwrap()];
        both.domains = vec!["example.org".into()];
        plenum_store::check_fields(&[Kept(both), Kept(NetworkSettings::default())]).unwrap();
    }

    #[test]
    fn addresses_that_a_box_can_have() {
        assert_eq!(field(fixed("192.0.2.2", 24, Some("192.0.2.1"))), None);
        assert_eq!(field(fixed("192.0.2.0", 31, Some("192.0.2.1"))), None);
        assert_eq!(field(fixed("192.0.2.9", 32, None)), None);
        for address in ["192.0.2.0", "192.0.2.255", "0.0.0.0", "127.0.0.1", "224.0.0.5"] {
            assert_eq!(field(fixed(address, 24, None)).as_deref(), Some("ipv4.address"), "{address}");
        }
        assert_eq!(field(fixed("255.255.255.255", 32, None)).as_deref(), Some("ipv4.address"));
        for prefix in [0, 33, 255] {
            assert_eq!(field(fixed("192.0.2.2", prefix, None)).as_deref(), Some("ipv4.prefix"));
        }
        for gateway in ["192.0.2.2", "192.0.3.1", "0.0.0.0"] {
            assert_eq!(field(fixed("192.0.2.2", 24, Some(gateway))).as_deref(), Some("ipv4.gateway"));
        }
        assert_eq!(field(fixed6("2001:db8::2", 64, Some("fe80::1"))), None);
        assert_eq!(field(fixed6("2001:db8::2", 128, None)), None);
        for address in ["::", "::1", "fe80::2", "ff02::1", "::ffff:192.0.2.1"] {
            assert_eq!(field(fixed6(address, 64, None)).as_deref(), Some("ipv6.address"), "{address}");
        }
        let gateway = Some("2001:db8:1::1");
        assert_eq!(field(fixed6("2001:db8::2", 64, gateway)).as_deref(), Some("ipv6.gateway"));
    }

    #[test]
    fn what_belongs_to_one_port_or_a_bond() {
        let two = || vec!["eth0".to_owned(), "eth1".to_owned()];
        let mut settings = fixed("192.0.2.2", 24, None);
        settings.ports = two();
        assert_eq!(field(settings.clone()).as_deref(), Some("ports"));
        settings.bond = Some(BondMode::ActiveBackup);
        assert_eq!(field(settings.clone()), None);
        settings.ports = vec!["eth0".into(), "eth0".into()];
        assert_eq!(field(settings).as_deref(), Some("bond"));
        let vlan = |vlan, ports| NetworkSettings { vlan: Some(vlan), ports, ..NetworkSettings::default() };
        assert_eq!(field(vlan(4_094, vec!["eth0".into()])), None);
        assert_eq!(field(vlan(1, vec![])).as_deref(), Some("ports"));
        assert_eq!(field(vlan(0, vec!["eth0".into()])).as_deref(), Some("vlan"));
        assert_eq!(field(vlan(4_095, vec!["eth0".into()])).as_deref(), Some("vlan"));
        assert_eq!(field(NetworkSettings { ports: two(), ..NetworkSettings::default() }), None);
        for bad in ["", "eth0\nName=x", "a/b", "sixteen-letters-"] {
            let settings = NetworkSettings { ports: vec![bad.into()], ..NetworkSettings::default() };
            assert_eq!(field(settings).as_deref(), Some("ports"), "{bad}");
        }
    }

    #[test]
    fn public_addresses_can_be_reached() {
        let public = |texts: &[&str]| NetworkSettings {
            public_addresses: texts.iter().map(|text| text.parse().unwrap()).collect(),
            ..NetworkSettings::default()
        };
        assert_eq!(field(public(&["203.0.113.10", "2001:db8::10"])), None);
        assert_eq!(field(public(&["10.1.2.3"])), None);
        for bad in
            ["0.0.0.0", "127.0.0.1", "169.254.1.1", "255.255.255.255", "224.0.0.1", "::", "::1", "fe80::1"]
        {
            assert_eq!(field(public(&[bad])).as_deref(), Some("public_addresses"), "{bad}");
        }
        let three = ["203.0.113.1", "203.0.113.2", "203.0.113.3"];
        assert_eq!(field(public(&three)).as_deref(), Some("public_addresses"));
    }

    #[test]
    fn nobody_is_locked_out_by_switching_both_off() {
        let off = NetworkSettings {
            ipv4: Ipv4Settings::Off,
            ipv6: Ipv6Settings::Off,
            ..NetworkSettings::default()
        };
        assert_eq!(field(off).as_deref(), Some("ipv4"));
    }
}
