//! What the settings' types in `plenum_protocol` cannot say: ranges, and keys that depend on each other.

use crate::configuration::{Invalid, Settings};
use plenum_protocol::settings::{
    ApplianceSettings, CommonSettings, RelaySettings, SfuSettings, SignalingSettings, TurnSettings,
    WebSettings,
};
use std::fmt::Display;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

type Valid = Result<(), Invalid>;

/// The longest path that sockaddr_un holds, without the terminating zero (unix(7)).
const MAX_SOCKET_PATH: usize = 107;
const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];

impl Settings for ApplianceSettings {
    fn common(&self) -> &CommonSettings {
        &self.common
    }

    fn validate(&self) -> Valid {
        common(&self.common)?;
        socket_path("http_socket", &self.http_socket)?;
        absolute("state_dir", &self.state_dir)?;
        absolute("setup_code_file", &self.setup_code_file)?;
        self.metrics_sockets.iter().try_for_each(|socket| socket_path("metrics_sockets", socket))?;
        let source = &self.update.source;
        if !source.is_empty() && !source.starts_with("https://") {
            let remedy = "name a directory as in https://updates.example.org/plenum/";
            return Err(Invalid::new("update.source", source, "it is no https URL", remedy));
        }
        Ok(())
    }
}

impl Settings for SfuSettings {
    fn common(&self) -> &CommonSettings {
        &self.common
    }

    fn validate(&self) -> Valid {
        common(&self.common)?;
        for address in &self.addresses {
            concrete("addresses", *address)?;
        }
        within("threads", self.threads, 0, 256)?;
        within("peer_limit_mbps", self.peer_limit_mbps, 1, 10_000)?;
        within("test_loss_permille", self.test_loss_permille, 0, 1_000)
    }
}

impl Settings for SignalingSettings {
    fn common(&self) -> &CommonSettings {
        &self.common
    }

    fn validate(&self) -> Valid {
        common(&self.common)?;
        socket_path("http_socket", &self.http_socket)?;
        absolute("state_dir", &self.state_dir)?;
        absolute("runtime_dir", &self.runtime_dir)?;
        if self.runtime_dir == self.state_dir {
            return Err(Invalid::new(
                "runtime_dir",
                self.runtime_dir.display(),
                "it is the same as state_dir, so that what is said in a meeting would be kept",
                "Name a directory of its own, best on a tmpfs",
            ));
        }
        absolute("host_key_file", &self.host_key_file)?;
        within("seat_seconds", self.seat_seconds, 1, 3_600)?;
        within("max_people", self.max_people, 1, 10_000)?;
        within("room_days", self.room_days, 1, 3_650)?;
        let RelaySettings { secret_file, port: _, tls: _, credential_seconds } = &self.relay;
        absolute("relay.secret_file", secret_file)?;
        within("relay.credential_seconds", *credential_seconds, 60, 7 * 86_400)
    }
}

impl Settings for TurnSettings {
    fn common(&self) -> &CommonSettings {
        &self.common
    }

    fn validate(&self) -> Valid {
        common(&self.common)?;
        listen(&self.listen)?;
        socket_path("stream_socket", &self.stream_socket)?;
        absolute("secret_file", &self.secret_file)?;
        // RFC 8656 section 4 and RFC 8489 section 14.9: fewer than 128 characters of a quoted string.
        if self.realm.is_empty() || self.realm.chars().count() > 127 || self.realm.contains(['"', '\\']) {
            let problem = "a realm has 1 to 127 characters, without quotes and backslashes";
            return Err(Invalid::new("realm", quoted(&self.realm), problem, "Set it to the box's name"));
        }
        for peer in &self.peers {
            concrete("peers", peer.ip())?;
            if peer.port() == 0 {
                return Err(Invalid::new("peers", peer, "port 0 reaches nobody", "Name the SFU's UDP port"));
            }
        }
        within("max_allocations_per_user", self.max_allocations_per_user, 1, 1_000)?;
        within("max_allocations", self.max_allocations, 1, 60_000)?;
        within("max_kbps_per_user", self.max_kbps_per_user, 64, 10_000_000)
    }
}

impl Settings for WebSettings {
    fn common(&self) -> &CommonSettings {
        &self.common
    }

    fn validate(&self) -> Valid {
        common(&self.common)?;
        listen(&self.listen)?;
        match (self.certificate.as_os_str().is_empty(), self.key.as_os_str().is_empty()) {
            (true, true) => names(&self.names)?,
            (false, false) => {
                absolute("certificate", &self.certificate)?;
                absolute("key", &self.key)?;
            }
            (true, false) => {
                let problem = "it is empty although `key` names a file";
                return Err(Invalid::new(
                    "certificate",
                    "\"\"",
                    problem,
                    "Name the PEM chain, or empty both",
                ));
            }
            (false, true) => {
                let problem = "it is empty although `certificate` names a file";
                return Err(Invalid::new("key", "\"\"", problem, "Name the PEM key, or empty both"));
            }
        }
        absolute("state_dir", &self.state_dir)?;
        socket_path("signaling_socket", &self.signaling_socket)?;
        socket_path("appliance_socket", &self.appliance_socket)?;
        socket_path("turn_socket", &self.turn_socket)?;
        within("max_connections", self.max_connections, 1, 1_000_000)?;
        within("max_connections_per_address", self.max_connections_per_address, 1, self.max_connections)?;
        contact("security_contact", &self.security_contact)
    }
}

fn common(common: &CommonSettings) -> Valid {
    if !common.metrics_socket.as_os_str().is_empty() {
        socket_path("common.metrics_socket", &common.metrics_socket)?;
    }
    if !common.bus_address.is_empty() && !common.bus_address.contains(':') {
        return Err(Invalid::new(
            "common.bus_address",
            quoted(&common.bus_address),
            "a bus address has a transport in front, as in unix:path=/run/bus",
            "Correct it, or empty it for the system bus",
        ));
    }
    if !LEVELS.contains(&common.log_level.as_str()) {
        let remedy = format!("Set it to one of {}", LEVELS.join(", "));
        return Err(Invalid::new(
            "common.log_level",
            quoted(&common.log_level),
            "there is no such level",
            &remedy,
        ));
    }
    Ok(())
}

fn within<N: PartialOrd + Display>(key: &str, value: N, least: N, most: N) -> Valid {
    if value < least || value > most {
        let remedy = format!("Set it to a number from {least} to {most}");
        return Err(Invalid::new(key, value, "it is out of range", &remedy));
    }
    Ok(())
}

fn absolute(key: &str, path: &Path) -> Valid {
    if path.is_absolute() {
        return Ok(());
    }
    let problem = if path.as_os_str().is_empty() { "it is empty" } else { "it is a relative path" };
    Err(Invalid::new(key, quoted(&path.display().to_string()), problem, "Set it to an absolute path"))
}

fn socket_path(key: &str, path: &Path) -> Valid {
    absolute(key, path)?;
    let length = path.as_os_str().len();
    if length > MAX_SOCKET_PATH {
        let problem = format!("a Unix socket's path has at most {MAX_SOCKET_PATH} bytes, this has {length}");
        return Err(Invalid::new(
            key,
            quoted(&path.display().to_string()),
            &problem,
            "Set it to a shorter path",
        ));
    }
    Ok(())
}

fn listen(addresses: &[SocketAddr]) -> Valid {
    if addresses.is_empty() {
        let remedy = "Name an address, for example [\"[::]:443\"]";
        return Err(Invalid::new("listen", "[]", "nobody could connect", remedy));
    }
    for (index, address) in addresses.iter().enumerate() {
        if address.port() != 0 && addresses[..index].contains(address) {
            return Err(Invalid::new("listen", address, "it is listed twice", "Remove one of them"));
        }
    }
    Ok(())
}

fn concrete(key: &str, address: IpAddr) -> Valid {
    if address.is_unspecified() || address.is_multicast() {
        let problem = "it is not an address of one machine";
        return Err(Invalid::new(key, address, problem, "Name a unicast address"));
    }
    Ok(())
}

/// RFC 9116 section 2.5.3: a URI. One line of a text file is made of it.
fn contact(key: &str, contact: &str) -> Valid {
    let is_uri = ["mailto:", "https://", "tel:"].iter().any(|scheme| contact.starts_with(scheme));
    if contact.is_empty() || is_uri && contact.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    let problem = "it is not a URI that begins with mailto:, https:// or tel:";
    Err(Invalid::new(key, quoted(contact), problem, "Set it to such a URI, or empty it"))
}

/// Subject alternative names of the self-signed certificate.
fn names(names: &[String]) -> Valid {
    if names.is_empty() {
        let problem = "the self-signed certificate would be for nobody";
        return Err(Invalid::new("names", "[]", problem, "Name the box's host names and addresses"));
    }
    match names.iter().find(|name| name.parse::<IpAddr>().is_err() && !is_host_name(name)) {
        None => Ok(()),
        Some(name) => {
            let problem = "it is neither an IP address nor a host name";
            let remedy = "Use letters, digits, hyphens and dots (an international name in its xn-- form)";
            Err(Invalid::new("names", quoted(name), problem, remedy))
        }
    }
}

/// RFC 1123 section 2.1; a wildcard for the first label is allowed (RFC 6125).
fn is_host_name(name: &str) -> bool {
    let name = name.strip_prefix("*.").unwrap_or(name);
    name.len() <= 253
        && name.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        })
}

fn quoted(text: &str) -> String {
    format!("{text:?}")
}

#[cfg(test)]
mod tests;
