//! The wired ports of the machine, as the kernel shows them in /sys/class/net.

use plenum_protocol::manager::Port;
use std::fs;
use std::path::Path;

/// ARPHRD_ETHER
const ETHERNET: &str = "1";

/// By name. Of what is no device (bonds, VLANs, bridges) nothing is shown.
pub fn ports(folder: &Path) -> Vec<Port> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut ports: Vec<Port> = entries.filter_map(|entry| port(&entry.path())).collect();
    ports.sort_by(|a, b| a.name.cmp(&b.name));
    ports
}

fn port(path: &Path) -> Option<Port> {
    let read = |name: &str| fs::read_to_string(path.join(name)).ok().map(|text| text.trim().to_owned());
    let wired = read("type")? == ETHERNET && path.join("device").exists() && !path.join("wireless").exists();
    // Reading either of them is an error while the port is off.
    let (carrier, speed) = (read("carrier"), read("speed"));
    wired.then(|| Port {
        name: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        mac: read("address").unwrap_or_default(),
        carrier: carrier.as_deref() == Some("1"),
        speed: speed.and_then(|speed| speed.parse().ok()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wired_ports_alone() {
        let folder = tempfile::tempdir().unwrap();
        let add = |name: &str, device: bool, files: &[(&str, &str)]| {
            let path = folder.path().join(name);
            fs::create_dir_all(if device { path.join("device") } else { path.clone() }).unwrap();
            files.iter().for_each(|(file, text)| fs::write(path.join(file), format!("{text}\n")).unwrap());
        };
        add(
            "enp2s0",
            true,
            &[("type", "1"), ("address", "52:54:00:00:00:02"), ("carrier", "0"), ("speed", "-1")],
        );
        add(
            "enp1s0",
            true,
            &[("type", "1"), ("address", "52:54:00:00:00:01"), ("carrier", "1"), ("speed", "1000")],
        );
        add("lo", false, &[("type", "772")]);
        add("plenum-bond", false, &[("type", "1")]);
        add("wlan0", true, &[("type", "1"), ("wireless", "")]);
        let ports = ports(folder.path());
        let names: Vec<&str> = ports.iter().map(|port| port.name.as_str()).collect();
        assert_eq!(names, ["enp1s0", "enp2s0"]);
        assert_eq!((ports[0].carrier, ports[0].speed), (true, Some(1_000)));
        assert_eq!((ports[1].carrier, ports[1].speed), (false, None));
        assert_eq!(ports[0].mac, "52:54:00:00:00:01");
    }
}
