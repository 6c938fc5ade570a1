//! What happens to entries at and after a boot.

use super::entries::Entry;
use super::esp::Esp;
use super::{REPORT, Report, TRIAL};
use anyhow::{Context, Result, bail};
use plenum_protocol::update::Version;
use std::fs;
use std::path::Path;

/// `plenum-slots boot`: early at every boot.
pub fn start(esp: &Esp, running: &Version) -> Result<Report> {
    let mut report = Report { version: running.to_string(), ..Report::default() };
    let entries = esp.entries()?;
    report.trial = esp.proven().as_ref() != Some(running);
    let given_up = entries.iter().find(|entry| entry.is_bad() && entry.version > *running);
    report.given_up = given_up.map(|entry| entry.version.to_string());
    // A version that failed takes no further part; the running one stays, whatever its tries are.
    let keep: Vec<&Version> = entries
        .iter()
        .filter(|entry| entry.version == *running || !entry.is_bad())
        .map(|entry| &entry.version)
        .collect();
    for name in esp.remove_others(&keep)? {
        report.notes.push(format!("{name} was removed: it was given up, or never written whole"));
    }
    if !report.trial {
        arm(esp, running)?;
    }
    report.bootable = keep.iter().map(|version| version.to_string()).collect();
    Ok(report)
}

/// `plenum-slots prove`: the running version is good.
pub fn prove(esp: &Esp, running: &Version) -> Result<()> {
    esp.set_proven(running)?;
    arm(esp, running)
}

/// Counts the running version anew where there is a slot to fall back to, and not at all where there is none.
fn arm(esp: &Esp, running: &Version) -> Result<()> {
    let entries = esp.entries()?;
    let own =
        entries.iter().find(|entry| entry.version == *running).context("the running version has no entry")?;
    let other = entries.iter().any(|entry| entry.version != *running && !entry.is_bad());
    let wanted = if other { Entry::counted(running) } else { Entry::uncounted(running) };
    esp.rename(own, &wanted)
}

/// Whether it is worth to start again after the health check failed: this version is on trial, and it has tries
/// left or another one is there.
pub fn may_retry(esp: &Esp, running: &Version) -> Result<bool> {
    if esp.proven().as_ref() == Some(running) {
        return Ok(false);
    }
    let entries = esp.entries()?;
    Ok(entries.iter().any(|entry| match entry.version == *running {
        true => entry.left.is_some_and(|left| left > 0),
        false => !entry.is_bad(),
    }))
}

/// `plenum-slots rollback`: the boot loader takes the other version from now on.
pub fn roll_back(esp: &Esp, running: &Version) -> Result<Version> {
    let entries = esp.entries()?;
    let own =
        entries.iter().find(|entry| entry.version == *running).context("the running version has no entry")?;
    // A newer one has not been good before, and would start without a trial.
    let Some(other) = entries.iter().find(|entry| entry.version < *running && !entry.is_bad()) else {
        bail!("there is no other version on this box to go back to");
    };
    // It must not be on trial again.
    esp.rename(other, &Entry::uncounted(&other.version))?;
    esp.set_proven(&other.version)?;
    let spent = Entry { version: running.clone(), left: Some(0), done: super::entries::TRIES };
    esp.rename(own, &spent)?;
    Ok(other.version.clone())
}

/// Where the daemon and the units' conditions look.
pub fn publish(report: &Report) -> Result<()> {
    let path = Path::new(REPORT);
    fs::create_dir_all(path.parent().context("a path without a folder")?)?;
    fs::write(path, serde_json::to_vec(report)?)?;
    if report.trial {
        fs::write(TRIAL, "")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Box {
        folder: tempfile::TempDir,
        esp: Esp,
    }

    impl Box {
        fn new(entries: &[&str]) -> Box {
            let folder = tempfile::tempdir().unwrap();
            let esp = Esp::at(folder.path());
            fs::create_dir_all(esp.folder()).unwrap();
            for name in entries {
                fs::write(esp.folder().join(name), "").unwrap();
            }
            Box { folder, esp }
        }

        fn names(&self) -> Vec<String> {
            let mut names: Vec<_> = fs::read_dir(self.folder.path().join("EFI/Linux"))
                .unwrap()
                .map(|it| it.unwrap().file_name().into_string().unwrap())
                .collect();
            names.sort();
            names
        }
    }

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    #[test]
    fn the_only_version_is_not_counted_once_it_is_proven() {
        let machine = Box::new(&["plenum_0.1.0+2-1.efi"]);
        let report = start(&machine.esp, &version("0.1.0")).unwrap();
        assert!(report.trial);
        assert_eq!(machine.names(), ["plenum_0.1.0+2-1.efi"]);
        prove(&machine.esp, &version("0.1.0")).unwrap();
        assert_eq!(machine.names(), ["plenum_0.1.0.efi"]);
        assert!(!start(&machine.esp, &version("0.1.0")).unwrap().trial);
    }

    #[test]
    fn a_proven_version_is_counted_anew_at_every_boot() {
        let machine = Box::new(&["plenum_0.1.0.efi", "plenum_0.2.0+2-1.efi"]);
        machine.esp.set_proven(&version("0.1.0")).unwrap();
        assert!(start(&machine.esp, &version("0.2.0")).unwrap().trial);
        assert!(may_retry(&machine.esp, &version("0.2.0")).unwrap());
        prove(&machine.esp, &version("0.2.0")).unwrap();
        assert_eq!(machine.names(), ["plenum_0.1.0.efi", "plenum_0.2.0+3.efi"]);
        let counted: Entry = "plenum_0.2.0+3.efi".parse().unwrap();
        machine.esp.rename(&counted, &"plenum_0.2.0+1-2.efi".parse().unwrap()).unwrap();
        assert!(!start(&machine.esp, &version("0.2.0")).unwrap().trial);
        assert_eq!(machine.names(), ["plenum_0.1.0.efi", "plenum_0.2.0+3.efi"]);
        assert!(!may_retry(&machine.esp, &version("0.2.0")).unwrap());
    }

    #[test]
    fn what_was_given_up_is_told_and_removed() {
        let machine = Box::new(&["plenum_0.1.0.efi", "plenum_0.2.0+0-3.efi", "plenum_0.3.0.efi.new"]);
        machine.esp.set_proven(&version("0.1.0")).unwrap();
        let report = start(&machine.esp, &version("0.1.0")).unwrap();
        assert_eq!(report.given_up.as_deref(), Some("0.2.0"));
        assert_eq!(report.bootable, ["0.1.0"]);
        assert_eq!((machine.names(), report.notes.len()), (vec!["plenum_0.1.0.efi".to_owned()], 2));
    }

    #[test]
    fn the_last_version_is_never_restarted_for_its_health() {
        let machine = Box::new(&["plenum_0.1.0+0-3.efi"]);
        assert!(!may_retry(&machine.esp, &version("0.1.0")).unwrap());
        assert!(roll_back(&machine.esp, &version("0.1.0")).is_err());
        assert_eq!(start(&machine.esp, &version("0.1.0")).unwrap().bootable, ["0.1.0"]);
    }

    #[test]
    fn going_back_makes_the_other_the_one_that_starts() {
        let machine = Box::new(&["plenum_0.1.0+2-1.efi", "plenum_0.2.0+3.efi"]);
        machine.esp.set_proven(&version("0.2.0")).unwrap();
        assert_eq!(roll_back(&machine.esp, &version("0.2.0")).unwrap(), version("0.1.0"));
        assert_eq!(machine.names(), ["plenum_0.1.0.efi", "plenum_0.2.0+0-3.efi"]);
        assert!(!start(&machine.esp, &version("0.1.0")).unwrap().trial);
    }

    #[test]
    fn a_version_that_was_never_tried_is_none_to_go_back_to() {
        let names = ["plenum_0.1.0+3.efi", "plenum_0.2.0+3.efi"];
        let machine = Box::new(&names);
        machine.esp.set_proven(&version("0.1.0")).unwrap();
        assert!(roll_back(&machine.esp, &version("0.1.0")).is_err());
        assert_eq!(machine.names(), names);
        assert_eq!(machine.esp.proven(), Some(version("0.1.0")));
    }
}
