//! From one version to the next and back, on one box: `cargo xtask test update`.
//!
//! Every way an update comes in (USB stick, file, HTTPS), every way it can be refused, and every way a version can
//! be bad: its SFU does not start, its call gets nowhere, it hangs, its slot is damaged, an administrator goes back.

mod forged;
mod steps;

use crate::Report;
use anyhow::{Context, Result, ensure};
use plenum_tests::machine::mirror::Mirror;
use plenum_tests::machine::site::{Site, free_port, host_key};
use plenum_tests::machine::{Options, stick};
use std::fs;
use std::path::{Path, PathBuf};
use steps::Way;

/// Versions that `cargo xtask test update` builds.
const GOOD: [&str; 3] = ["0.1.1", "0.1.5", "0.1.6"];
const WITHOUT_SFU: &str = "0.1.2";
const WITHOUT_MEDIA: &str = "0.1.3";
const HANGING: &str = "0.1.4";

#[test]
#[ignore = "boots a virtual machine some twenty times: cargo xtask test update"]
fn versions_come_and_go() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut lab = Lab::set_up(folder.path()).expect("the updates");
    let mut report = Report::default();
    let mut go_on = true;
    let mut step = |name: &str, step: &mut dyn FnMut(&mut Lab) -> Result<()>| {
        // Each starts where the one before it ended.
        go_on = go_on && report.take(name, || step(&mut lab)).is_some();
    };
    step("what is damaged, foreign or older is refused, and no slot is touched", &mut steps::refusals);
    step("a good one comes on a USB stick", &mut |lab| steps::forward(lab, GOOD[0], Way::Usb));
    step("one without SFU is left again, with the reason", &mut |lab| {
        steps::left_again(lab, WITHOUT_SFU, Way::File, "plenum-sfu.service")
    });
    step("one without media is left again, with the reason", &mut |lab| {
        steps::left_again(lab, WITHOUT_MEDIA, Way::Https, "call failed")
    });
    step("one that hangs is left again, with the reason", &mut |lab| {
        steps::left_again(lab, HANGING, Way::Usb, "hang.service")
    });
    step("a good one comes from an HTTPS directory", &mut |lab| steps::forward(lab, GOOD[1], Way::Https));
    step("an administrator goes back", &mut steps::rolled_back);
    step("a good one comes as a file", &mut |lab| steps::forward(lab, GOOD[2], Way::File));
    step("a slot that is damaged on the disk is left", &mut steps::damaged_slot);
    assert!(report.failures.is_empty(), "\n{}", report.failures.join("\n"));
}

pub(super) struct Lab {
    options: Options,
    /// What a mirror gives out.
    mirror: PathBuf,
    /// `plenum-VERSION-debug.update` and `.latest.json`.
    updates: PathBuf,
    /// The guests' link of a meeting that has to be there in every version.
    meeting: String,
    /// The version that runs.
    running: String,
}

impl Lab {
    fn set_up(folder: &Path) -> Result<Lab> {
        let named = |name| {
            std::env::var_os(name)
                .map(PathBuf::from)
                .with_context(|| format!("cargo xtask test update gives {name}"))
        };
        let (image, updates) = (named("PLENUM_IMAGE")?, named("PLENUM_UPDATES")?);
        let mirror = folder.join("mirror");
        fs::create_dir_all(&mirror)?;
        let site =
            Site { mirror: Some(Mirror::serve(&mirror)?), ..Site::new(free_port()?, host_key(folder)?) };
        let options = Options::new(image, folder.to_owned(), site);
        let running = env!("CARGO_PKG_VERSION").to_owned();
        Ok(Lab { options, mirror, updates, meeting: String::new(), running })
    }

    fn update(&self, version: &str) -> Result<PathBuf> {
        let path = self.updates.join(format!("plenum-{version}-debug.update"));
        ensure!(path.is_file(), "there is no {}", path.display());
        Ok(path)
    }

    /// From the next boot on.
    fn plug_in(&mut self, version: &str, beside: &[(&str, Vec<u8>)]) -> Result<()> {
        let update = self.update(version)?;
        self.options.drives = vec![stick::with_update(&self.options.folder, &update, beside)?];
        Ok(())
    }

    fn mirror(&self, version: &str) -> Result<()> {
        let update = self.update(version)?;
        let name = update.file_name().context("an update without a name")?;
        let target = self.mirror.join(name);
        fs::hard_link(&update, &target).or_else(|_| fs::copy(&update, &target).map(drop))?;
        let index = self.updates.join(format!("plenum-{version}-debug.latest.json"));
        fs::copy(index, self.mirror.join("latest.json"))?;
        Ok(())
    }
}
