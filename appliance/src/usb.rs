//! Updates on a USB stick, and settings there or in a credential. The unit that runs this is root in a mount namespace of its own: the stick is mounted
//! there, read-only, and nobody but this process and the daemon, through one open file, ever sees it.

use crate::provisioning::{self, credential};
use anyhow::{Context, Result, ensure};
use nix::mount::{MsFlags, mount};
use plenum_protocol::appliance::Appliance1Proxy;
use plenum_protocol::console::Console1Proxy;
use plenum_protocol::update::Version;
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use zbus::{Connection, Fd};

/// Keys of those who prepare the boxes of a fleet, on the ESP: put there with the image.
const FLEET_KEYS: &str = "/boot/plenum/fleet.keys";
const MOUNT_POINT: &str = "/tmp/stick";
/// What sticks are formatted with.
const FILE_SYSTEMS: [&str; 3] = ["vfat", "exfat", "ext4"];

pub async fn offer() -> Result<()> {
    let bus = Connection::system().await.context("the message bus cannot be reached")?;
    let daemon = Appliance1Proxy::new(&bus).await?;
    let mut found = 0;
    for (place, device) in devices(Path::new("/sys/class/block"))?.iter().enumerate() {
        let point = PathBuf::from(format!("{MOUNT_POINT}-{place}"));
        if !mounted(device, &point)? {
            continue;
        }
        if let Some(path) = newest(&point)? {
            let file = File::open(&path).with_context(|| format!("{} cannot be read", path.display()))?;
            found += 1;
            match daemon.offer_file(Fd::from(&file)).await {
                Ok(()) => log::info!("{} was offered", path.display()),
                Err(error) => log::warn!("{}: {error}", path.display()),
            }
        }
    }
    log::info!("{found} updates on USB sticks");
    Ok(())
}

/// `plenum.toml` on a stick, or as a credential, for a box that is not set up yet.
pub async fn offer_settings() -> Result<()> {
    let bus = Connection::system().await.context("the message bus cannot be reached")?;
    let daemon = Console1Proxy::new(&bus).await?;
    let found = on_a_stick()?.or_else(as_a_credential);
    let Some(Settings { text, signature, place }) = found else {
        log::info!("no {} on a USB stick or as a credential", provisioning::FILE);
        return Ok(());
    };
    let trust = provisioning::trust(&text, &signature, Path::new(FLEET_KEYS)).name();
    match daemon.offer_settings(&text, trust).await {
        Ok(()) => log::info!("{} from {place}, {trust}, was offered", provisioning::FILE),
        Err(error) => log::warn!("{} from {place}: {error}", provisioning::FILE),
    }
    Ok(())
}

struct Settings {
    text: String,
    /// Empty where there is none.
    signature: String,
    place: String,
}

fn on_a_stick() -> Result<Option<Settings>> {
    for (number, device) in devices(Path::new("/sys/class/block"))?.iter().enumerate() {
        let point = PathBuf::from(format!("{MOUNT_POINT}-{number}"));
        if !mounted(device, &point)? {
            continue;
        }
        let Some(text) = short_text(&point.join(provisioning::FILE))? else { continue };
        let signature = short_text(&point.join(provisioning::SIGNATURE))?.unwrap_or_default();
        return Ok(Some(Settings { text, signature, place: device.display().to_string() }));
    }
    Ok(None)
}

fn as_a_credential() -> Option<Settings> {
    let table = fs::read(credential::TABLE).ok()?;
    let text = credential::find(&table, provisioning::FILE)?;
    let signature = credential::find(&table, provisioning::SIGNATURE).unwrap_or_default();
    Some(Settings { text, signature, place: "a credential".to_owned() })
}

/// `None` if there is no such file.
fn short_text(path: &Path) -> Result<Option<String>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        file => file.with_context(|| format!("{} cannot be read", path.display()))?,
    };
    let mut text = String::new();
    file.take(provisioning::MAX_BYTES + 1)
        .read_to_string(&mut text)
        .with_context(|| format!("{} is no text", path.display()))?;
    ensure!(text.len() as u64 <= provisioning::MAX_BYTES, "{} is too long", path.display());
    Ok(Some(text))
}

/// Disks and partitions on the USB.
fn devices(class: &Path) -> Result<Vec<PathBuf>> {
    let mut devices = Vec::new();
    for entry in fs::read_dir(class)? {
        let entry = entry?;
        let path = fs::canonicalize(entry.path())?;
        if path.components().any(|part| part.as_os_str().to_string_lossy().starts_with("usb")) {
            devices.push(Path::new("/dev").join(entry.file_name()));
        }
    }
    devices.sort();
    Ok(devices)
}

/// Whether it holds a file system that could be mounted.
fn mounted(device: &Path, point: &Path) -> Result<bool> {
    fs::create_dir_all(point)?;
    let flags = MsFlags::MS_RDONLY | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC | MsFlags::MS_NOSUID;
    for kind in FILE_SYSTEMS {
        if mount(Some(device), point, Some(kind), flags, None::<&str>).is_ok() {
            return Ok(true);
        }
    }
    log::info!("{} holds no file system that could be read", device.display());
    Ok(false)
}

/// By its name; what is inside is judged by its signature.
fn newest(folder: &Path) -> Result<Option<PathBuf>> {
    let mut best: Option<(Version, PathBuf)> = None;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let version = name.strip_prefix("plenum-").and_then(|it| it.strip_suffix(".update"));
        let version = version.and_then(|it| it.trim_end_matches("-debug").parse::<Version>().ok());
        if let Some(version) = version
            && best.as_ref().is_none_or(|(other, _)| version > *other)
        {
            best = Some((version, path));
        }
    }
    Ok(best.map(|(_, path)| path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_by_number_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["plenum-0.9.0.update", "plenum-0.10.0.update", "plenum-x.update", "readme.txt"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let newest = newest(folder.path()).unwrap().unwrap();
        assert_eq!(newest.file_name().unwrap(), "plenum-0.10.0.update");
    }
}
