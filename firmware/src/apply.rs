//! Brings settings onto the machine and takes them back.

use crate::ethtool::Ethtool;
use crate::plan::{DROP_IN, same};
use crate::{Profile, Setting, capture, plan};
use nix::errno::Errno;
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

/// New queues bring new files to set, and these are planned in the next round.
const ROUNDS: usize = 3;

/// What came of a plan.
#[derive(Debug, Default)]
pub struct Outcome {
    pub changed: Vec<Setting>,
    /// And the kernel's reason. A NIC of a virtual machine that refuses is normal.
    pub refused: Vec<(Setting, String)>,
}

/// Plans and applies until nothing is left to do.
pub fn apply(profiles: &[Profile], nics: &[String]) -> Outcome {
    let names = sysctls(profiles);
    let mut outcome = Outcome::default();
    let mut tried = BTreeSet::new();
    for _ in 0..ROUNDS {
        let mut settings = plan(&capture(Path::new("/"), &names), profiles, nics);
        settings.retain(|it| tried.insert((it.path.clone(), it.new.clone())));
        if settings.is_empty() {
            break;
        }
        for setting in settings {
            match write(&setting.path, Some(&setting.new)) {
                Ok(()) => outcome.changed.push(setting),
                Err(error) => outcome.refused.push((setting, error.to_string())),
            }
        }
    }
    outcome
}

/// Every sysctl that a profile names.
pub fn sysctls(profiles: &[Profile]) -> Vec<String> {
    profiles.iter().flat_map(|profile| profile.sysctl.keys().cloned()).collect()
}

/// Old values, the last change first; those that could not be restored, with the reason.
pub fn revert(changed: &[Setting]) -> Vec<(Setting, String)> {
    let undo = |it: &Setting| Some((it.clone(), write(&it.path, it.old.as_deref()).err()?.to_string()));
    changed.iter().rev().filter_map(undo).collect()
}

/// The earlier record with what changed since. The first old value of a path is the one to go back to.
pub fn merged(mut record: Vec<Setting>, changed: Vec<Setting>) -> Vec<Setting> {
    for setting in changed {
        match record.iter_mut().find(|it| it.path == setting.path) {
            Some(known) => known.new = setting.new,
            None => record.push(setting),
        }
    }
    record
}

fn write(path: &str, value: Option<&str>) -> io::Result<()> {
    let file = Path::new("/").join(path);
    if path == DROP_IN {
        match value {
            Some(text) => {
                fs::create_dir_all(file.parent().unwrap_or(Path::new("/")))?;
                fs::write(&file, text.replace("\\n", "\n") + "\n")?;
            }
            None => fs::remove_file(&file)?,
        }
        return reload_units();
    }
    let value = value.ok_or(io::ErrorKind::InvalidInput)?;
    if let Some(rest) = path.strip_prefix("ethtool/") {
        let [nic, group, word] = rest.split('/').collect::<Vec<_>>()[..] else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        return Ethtool::open(nic).and_then(|it| it.write(group, word, value)).map_err(described);
    }
    fs::write(&file, value)?;
    let now = fs::read_to_string(&file)?;
    if same(path, &now, value) { Ok(()) } else { Err(io::Error::other(format!("it stays {}", now.trim()))) }
}

/// systemd has to read a drop-in. Only then: a reload costs a boot most of a second.
fn reload_units() -> io::Result<()> {
    match Command::new("systemctl").arg("daemon-reload").status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(io::Error::other(format!("systemctl daemon-reload failed ({status})"))),
        // Another service manager has no use for the drop-in either.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

fn described(error: Errno) -> io::Error {
    match error {
        Errno::EOPNOTSUPP => io::Error::other("the driver does not offer it"),
        error => error.into(),
    }
}
