//! The network, as systemd-networkd reads it (systemd.network(5), systemd.netdev(5)).

use anyhow::{Context, Result};
use plenum_daemon::durable;
use plenum_daemon::secret::Digest;
use plenum_protocol::manager::{BondMode, Ipv4Settings, Ipv6Settings, NetworkSettings};
use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

/// Before the image's own `80-plenum.network`, and `81-plenum-left.network` for devices that are named here no longer.
const PREFIX: &str = "50-plenum-";

/// File names and contents; none where the image's own settings are what is wanted.
fn files(settings: &NetworkSettings) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let unchanged = NetworkSettings {
        revision: settings.revision,
        public_addresses: settings.public_addresses.clone(),
        ..NetworkSettings::default()
    };
    if *settings == unchanged {
        return files;
    }
    let mut add = |name: &str, text: String| files.insert(format!("{PREFIX}{name}"), text);
    // A port carries a bond, which carries a VLAN, which has the addresses; two of the three may be missing.
    let mut under = match settings.ports.as_slice() {
        [] => EVERY_PORT.to_owned(),
        ports => format!("Name={}", ports.join(" ")),
    };
    if let Some(mode) = settings.bond {
        let name = bond_name(mode);
        add("0-ports.network", format!("[Match]\n{under}\n\n[Network]\nBond={name}\n{SILENT}"));
        add("1-bond.netdev", bond(mode));
        under = format!("Name={name}");
    }
    if let Some(vlan) = settings.vlan {
        let name = vlan_name(vlan, &under);
        add("2-trunk.network", format!("[Match]\n{under}\n\n[Network]\nVLAN={name}\n{SILENT}"));
        add("3-vlan.netdev", format!("[NetDev]\nName={name}\nKind=vlan\n\n[VLAN]\nId={vlan}\n"));
        under = format!("Name={name}");
    }
    add("4-box.network", format!("[Match]\n{under}\n\n{}", addressed(settings)));
    if !settings.ports.is_empty() {
        let rest = format!("[Match]\n{EVERY_PORT}\n\n[Link]\nRequiredForOnline=no\n\n[Network]\n{SILENT}");
        add("5-rest.network", rest);
    }
    files
}

/// As in the image's own file: no bond, and no VLAN.
const EVERY_PORT: &str = "Type=ether\nKind=!*";

/// What carries something else, or was not chosen, has no address itself.
const SILENT: &str = "DHCP=no\nIPv6AcceptRA=no\nLinkLocalAddressing=no\nLLMNR=no\nMulticastDNS=no\nLLDP=no\n";

/// A device that is there keeps its mode: one of another mode is another device.
fn bond_name(mode: BondMode) -> &'static str {
    match mode {
        BondMode::ActiveBackup => "plenum-bond",
        BondMode::Lacp => "plenum-lacp",
    }
}

/// A device that is there keeps its number and what carries it, too. The kernel allows 15 characters.
fn vlan_name(vlan: u16, under: &str) -> String {
    let [a, b, c, ..] = *Digest::of(under.as_bytes()).bytes();
    format!("vlan{vlan}-{a:02x}{b:02x}{c:02x}")
}

fn bond(mode: BondMode) -> String {
    let name = bond_name(mode);
    let mode = match mode {
        BondMode::ActiveBackup => "Mode=active-backup\n",
        BondMode::Lacp => "Mode=802.3ad\nLACPTransmitRate=fast\nTransmitHashPolicy=layer3+4\n",
    };
    format!("[NetDev]\nName={name}\nKind=bond\n\n[Bond]\n{mode}MIIMonitorSec=100ms\n")
}

fn addressed(settings: &NetworkSettings) -> String {
    let (v4, v6) = (&settings.ipv4, &settings.ipv6);
    let dhcp = match (*v4 == Ipv4Settings::Dhcp, *v6 == Ipv6Settings::Automatic) {
        (true, true) => "yes",
        (true, false) => "ipv4",
        (false, true) => "ipv6",
        (false, false) => "no",
    };
    let automatic_v6 = if *v6 == Ipv6Settings::Automatic { "yes" } else { "no" };
    let link_local = if *v6 == Ipv6Settings::Off { "no" } else { "ipv6" };
    let mut text = format!(
        "[Network]\nDHCP={dhcp}\nIPv6AcceptRA={automatic_v6}\nLinkLocalAddressing={link_local}\n\
         LLMNR=no\nMulticastDNS=yes\nLLDP=no\n"
    );
    let mut add = |key: &str, value: String| text.push_str(&format!("{key}={value}\n"));
    if let Ipv4Settings::Static { address, prefix, gateway } = v4 {
        add("Address", format!("{address}/{prefix}"));
        gateway.iter().for_each(|gateway| add("Gateway", gateway.to_string()));
    }
    if let Ipv6Settings::Static { address, prefix, gateway } = v6 {
        add("Address", format!("{address}/{prefix}"));
        gateway.iter().for_each(|gateway| add("Gateway", gateway.to_string()));
    }
    settings.dns.iter().for_each(|server| add("DNS", server.to_string()));
    if !settings.domains.is_empty() {
        add("Domains", settings.domains.join(" "));
    }
    let theirs = if settings.dns.is_empty() { "yes" } else { "no" };
    for section in ["DHCPv4", "DHCPv6", "IPv6AcceptRA"] {
        text.push_str(&format!("\n[{section}]\nUseDNS={theirs}\nUseDomains=yes\n"));
        if section != "IPv6AcceptRA" {
            text.push_str("UseHostname=no\n");
        }
    }
    text
}

/// Makes the folder's files those of the settings; gives whether one of them was another.
pub(super) fn write(folder: &Path, settings: &NetworkSettings) -> Result<bool> {
    let wanted = files(settings);
    let mut changed = false;
    for name in ours(folder)? {
        if !wanted.contains_key(&name) {
            fs::remove_file(folder.join(&name)).with_context(|| format!("{name} cannot be removed"))?;
            changed = true;
        }
    }
    for (name, text) in wanted {
        let path = folder.join(&name);
        if fs::read_to_string(&path).ok().as_deref() != Some(&text) {
            // Another user, networkd's, reads them.
            durable::replace(&path, text.as_bytes(), 0o644)
                .with_context(|| format!("{} cannot be written", path.display()))?;
            changed = true;
        }
    }
    Ok(changed)
}

fn ours(folder: &Path) -> Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.with_context(|| format!("{} cannot be read", folder.display()))?,
    };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    Ok(names.filter(|name| name.starts_with(PREFIX)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn static_v4() -> Ipv4Settings {
        Ipv4Settings::Static {
            address: "192.0.2.7".parse().unwrap(),
            prefix: 24,
            gateway: Some("192.0.2.1".parse().unwrap()),
        }
    }

    #[test]
    fn a_box_from_the_factory_needs_no_file() {
        assert!(files(&NetworkSettings::default()).is_empty());
        let public_addresses = vec!["203.0.113.10".parse().unwrap()];
        let settings = NetworkSettings { revision: 7, public_addresses, ..NetworkSettings::default() };
        assert!(files(&settings).is_empty());
    }

    #[test]
    fn a_fixed_address_on_one_port() {
        let settings = NetworkSettings {
            ports: vec!["enp1s0".into()],
            ipv4: static_v4(),
            ipv6: Ipv6Settings::Off,
            dns: vec!["192.0.2.53".parse().unwrap()],
            domains: vec!["example.org".into()],
            ..NetworkSettings::default()
        };
        let files = files(&settings);
        assert_eq!(files.len(), 2);
        let text = &files["50-plenum-4-box.network"];
        for line in [
            "Name=enp1s0",
            "DHCP=no",
            "IPv6AcceptRA=no",
            "LinkLocalAddressing=no",
            "Address=192.0.2.7/24",
            "Gateway=192.0.2.1",
            "DNS=192.0.2.53",
            "Domains=example.org",
            "UseDNS=no",
        ] {
            assert!(text.lines().any(|it| it == line), "{line} in\n{text}");
        }
    }

    #[test]
    fn a_vlan_on_a_bond_of_two_ports() {
        let settings = NetworkSettings {
            ports: vec!["enp1s0".into(), "enp2s0".into()],
            bond: Some(BondMode::Lacp),
            vlan: Some(42),
            ..NetworkSettings::default()
        };
        let files = files(&settings);
        let names: Vec<&str> = files.keys().map(String::as_str).collect();
        let expected = [
            "0-ports.network",
            "1-bond.netdev",
            "2-trunk.network",
            "3-vlan.netdev",
            "4-box.network",
            "5-rest.network",
        ];
        assert_eq!(names, expected.map(|name| format!("50-plenum-{name}")));
        assert!(
            files["50-plenum-0-ports.network"]
                .contains("Name=enp1s0 enp2s0\n\n[Network]\nBond=plenum-lacp\n")
        );
        assert!(files["50-plenum-1-bond.netdev"].contains("Name=plenum-lacp\n"));
        assert!(files["50-plenum-1-bond.netdev"].contains("Mode=802.3ad\n"));
        let vlan = vlan_name(42, "Name=plenum-lacp");
        let trunk = format!("Name=plenum-lacp\n\n[Network]\nVLAN={vlan}\n");
        assert!(files["50-plenum-2-trunk.network"].contains(&trunk));
        assert!(files["50-plenum-3-vlan.netdev"].contains(&format!("Name={vlan}\n")));
        assert!(files["50-plenum-3-vlan.netdev"].contains("Id=42\n"));
        let addressed = format!("Name={vlan}\n\n[Network]\nDHCP=yes\n");
        assert!(files["50-plenum-4-box.network"].contains(&addressed));
    }

    #[test]
    fn what_a_device_cannot_change_makes_another_device() {
        assert_ne!(bond_name(BondMode::ActiveBackup), bond_name(BondMode::Lacp));
        let name = vlan_name(4_094, "Name=enp1s0");
        assert_eq!(name, vlan_name(4_094, "Name=enp1s0"));
        assert!(name.starts_with("vlan4094-") && name.len() <= 15, "{name}");
        assert_ne!(name, vlan_name(4_093, "Name=enp1s0"));
        assert_ne!(name, vlan_name(4_094, "Name=enp2s0"));
    }

    #[test]
    fn ports_that_were_not_chosen_are_silent() {
        let chosen = NetworkSettings { ports: vec!["enp1s0".into()], ..NetworkSettings::default() };
        let rest = &files(&chosen)["50-plenum-5-rest.network"];
        assert!(rest.starts_with("[Match]\nType=ether\nKind=!*\n") && rest.contains("DHCP=no\n"), "{rest}");
        let every =
            NetworkSettings { dns: vec!["192.0.2.53".parse().unwrap()], ..NetworkSettings::default() };
        let names: Vec<String> = files(&every).into_keys().collect();
        assert_eq!(names, ["50-plenum-4-box.network"]);
    }

    #[test]
    fn the_image_silences_devices_that_are_left_over() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../image/root/etc/systemd/network");
        let left = "81-plenum-left.network";
        assert!(PREFIX < left);
        let text = fs::read_to_string(folder.join(left)).unwrap();
        for line in ["Kind=bond vlan", "ActivationPolicy=always-down"].into_iter().chain(SILENT.lines()) {
            assert!(text.lines().any(|it| it == line), "{line} in\n{text}");
        }
    }

    #[test]
    fn files_come_and_go_with_the_settings() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("60-other.network"), "").unwrap();
        let fixed =
            NetworkSettings { ports: vec!["eth0".into()], vlan: Some(7), ..NetworkSettings::default() };
        assert!(write(folder.path(), &fixed).unwrap());
        assert!(!write(folder.path(), &fixed).unwrap());
        assert_eq!(ours(folder.path()).unwrap().len(), 4);
        assert!(write(folder.path(), &NetworkSettings::default()).unwrap());
        assert!(ours(folder.path()).unwrap().is_empty());
        assert!(folder.path().join("60-other.network").exists());
        assert!(!write(&folder.path().join("missing"), &NetworkSettings::default()).unwrap());
    }
}
