//! What each program brings along, from beside its crate: units, sockets, bus policy, user and settings.

use crate::{files, paths};
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// The programs of the image.
pub const PROGRAMS: [&str; 9] = [
    "plenum",
    "plenum-appliance",
    "plenum-console",
    "plenum-sfu",
    "plenum-signaling",
    "plenum-slots",
    "plenum-tune",
    "plenum-turn",
    "plenum-web",
];

/// Installs it all into a root; `programs` is the folder of the built daemons.
pub fn install(root: &Path, programs: &Path) -> Result<()> {
    for program in PROGRAMS {
        let built = programs.join(program);
        files::install(&built, &root.join("usr/bin").join(program))
            .with_context(|| format!("{program} is not built (`cargo xtask build`)"))?;
    }
    for folder in crates()? {
        for entry in fs::read_dir(&folder).with_context(|| format!("{}", folder.display()))? {
            let path = entry?.path();
            if let Some(target) = target(&path) {
                files::install(&path, &root.join(target))?;
            }
        }
    }
    Ok(())
}

/// All folders that bring something along.
fn crates() -> Result<Vec<PathBuf>> {
    let services = paths::repository().join("services");
    let mut crates = vec![paths::repository().join("appliance"), paths::repository().join("firmware")];
    for entry in fs::read_dir(&services)? {
        let path = entry?.path();
        if path.join("Cargo.toml").is_file() {
            crates.push(path);
        }
    }
    crates.sort();
    Ok(crates)
}

/// Where a file beside a crate belongs; `None` for the crate's own.
fn target(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    let ending = path.extension()?.to_str()?;
    match ending {
        "service" | "socket" | "target" | "timer" | "path" => {
            Some(Path::new("usr/lib/systemd/system").join(name))
        }
        "sysusers" => Some(Path::new("usr/lib/sysusers.d").join(name).with_extension("conf")),
        "conf" if name.starts_with("org.plenum.") => Some(Path::new("usr/share/dbus-1/system.d").join(name)),
        // For all units whose names begin so (systemd.unit(5)).
        "conf" if name.ends_with(".service.conf") => {
            let folder = name.trim_end_matches("conf").to_owned() + "d";
            Some(Path::new("usr/lib/systemd/system").join(folder).join("10-plenum.conf"))
        }
        // What systemd itself is told: `NN-plenum-WHAT.conf`.
        "conf" if name.contains("-plenum-") => Some(Path::new("usr/lib/systemd/system.conf.d").join(name)),
        "rules" => Some(Path::new("usr/share/polkit-1/rules.d").join(name)),
        "toml" if name != "Cargo.toml" => Some(Path::new("etc/plenum").join(name)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_place() {
        let place = |name: &str| target(Path::new(name)).map(|path| path.display().to_string());
        assert_eq!(place("x/plenum-sfu.service").unwrap(), "usr/lib/systemd/system/plenum-sfu.service");
        assert_eq!(place("x/plenum-sfu.sysusers").unwrap(), "usr/lib/sysusers.d/plenum-sfu.conf");
        assert_eq!(
            place("x/org.plenum.Sfu1.conf").unwrap(),
            "usr/share/dbus-1/system.d/org.plenum.Sfu1.conf"
        );
        assert_eq!(
            place("x/50-plenum-watchdog.conf").unwrap(),
            "usr/lib/systemd/system.conf.d/50-plenum-watchdog.conf"
        );
        assert_eq!(
            place("x/plenum-slot-.service.conf").unwrap(),
            "usr/lib/systemd/system/plenum-slot-.service.d/10-plenum.conf"
        );
        assert_eq!(place("x/50-plenum.rules").unwrap(), "usr/share/polkit-1/rules.d/50-plenum.rules");
        assert_eq!(place("x/sfu.toml").unwrap(), "etc/plenum/sfu.toml");
        assert_eq!(place("x/Cargo.toml"), None);
        assert_eq!(place("x/build.rs"), None);
    }
}
