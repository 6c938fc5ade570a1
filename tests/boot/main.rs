//! The image in a virtual machine: `cargo xtask test boot`.
//!
//! One machine for all checks, because it takes a minute to boot: as it comes from the factory, at its second
//! boot, and with the TPM of another machine. Each check is a function that says in its error what it found.

mod broken_files;
mod browsers;
mod display;
mod firmware;
mod hardening;
mod inside;
mod manual;
mod outside;
mod scan;
mod units;
mod update;
mod writing;
mod zero_touch;

use anyhow::{Context, Result};
use plenum_tests::machine::site::{Site, free_port, host_key};
use plenum_tests::machine::{Machine, Network, Options, lan};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Without hardware virtualisation and beside other work.
const BOOT_LIMIT: Duration = Duration::from_secs(400);

/// Daemons have 20 s to stop.
const POWER_OFF_LIMIT: Duration = Duration::from_secs(90);

type Check = (&'static str, fn(&mut Machine) -> Result<()>);

const FIRST_BOOT: &[Check] = &[
    ("every unit is up", inside::units),
    ("the join page and its headers", outside::page),
    ("a meeting is opened with the host key", outside::meeting),
    ("it answers to plenum.local", outside::own_name),
    ("the packet filter opens only the ports of the manifest", inside::ports),
    ("each daemon was ready in time", inside::readiness),
    ("each daemon has its own user and no right more", inside::processes),
    ("systemd-analyze security is at most 2.0", inside::security),
    ("the listening sockets are the manifest", inside::sockets),
    ("the firewall drops what is not allowed", inside::firewall),
    ("the root is verified and read-only", inside::root),
    ("the data partition is encrypted, and sealed by the TPM", inside::data),
    ("the journal is persistent and bounded", inside::journal),
    ("the machine ID is kept, and the journal lies under it", inside::identity),
    ("kernel and NICs are tuned", inside::tuning),
    ("the sysctls hold", inside::sysctls),
    ("this boot is blessed", inside::blessed),
    ("Secure Boot is on, with our key alone", inside::secure_boot),
    ("the ESP is let go of when idle, and takes nothing along", inside::idle_esp),
    ("docs/hardening.md is what the image shows, inside and in a scan", hardening::document),
    ("the display explains a broken file that is a credential", broken_files::is_explained_as_a_credential),
    ("the display explains broken files on USB sticks", broken_files::are_explained),
];

const IN_USE: &[Check] = &[
    ("a browser sets the box up with what its display shows", browsers::set_up),
    ("the recovery key that was noted is forgotten", firmware::forgotten_key),
    ("browsers hold a conference, over UDP and over 443 alone", browsers::conference),
];

const SECOND_BOOT: &[Check] = &[
    ("the TPM opens the data by itself", firmware::opened_unattended),
    ("conferences survive full disk, wrong clock, no link and no DNS", browsers::trouble),
];

#[test]
#[ignore = "boots a virtual machine: cargo xtask test boot"]
fn the_image_boots_into_the_conference() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    lan::enter().expect("a network of its own");
    let factory = options(folder.path()).expect("an image");
    let mut report = Report::default();
    let written = report.take("the commands of the manual write the image to a disk", || {
        let written = folder.path().join("written");
        std::fs::create_dir(&written)?;
        writing::by_the_manual(&factory.image, &written)
    });
    let options = Options { image: written.unwrap_or_else(|| factory.image.clone()), ..factory };
    report.take("it refuses a changed and an unsigned kernel image", || {
        firmware::refuses_what_is_not_ours(&options, BOOT_LIMIT)
    });
    let mut machine = boot(&Options { credentials: vec![broken_files::credential()], ..options.clone() });
    report.take_all(FIRST_BOOT, &mut machine);
    let key =
        report.take("the recovery key is for the manager alone", || firmware::recovery_key(&mut machine));
    report.take_all(IN_USE, &mut machine);
    report.take("the power button switches it off", || power_off(&mut machine));
    drop(machine);
    let mut machine = boot(&options);
    report.take_all(SECOND_BOOT, &mut machine);
    report.take("the power button switches it off again", || power_off(&mut machine));
    drop(machine);
    if let Some(key) = key {
        let opened = report.take("with another TPM it asks for the recovery key", || {
            firmware::asks_for_the_recovery_key(&options, &key, BOOT_LIMIT)
        });
        let reset = opened.and_then(|machine| {
            report.take("a factory reset at the display forgets everything", || {
                firmware::forgets_everything(machine, &options, BOOT_LIMIT)
            })
        });
        if let Some(mut machine) = reset {
            let again = report
                .take("a browser sets it up again, in English", || browsers::set_up_in_english(&mut machine));
            if again.is_some() {
                report.take("a browser updates it from a file and goes back", || {
                    browsers::update(&mut machine, &options)
                });
                report.take("a browser resets it to the factory state", || {
                    browsers::reset(&mut machine, &options)
                });
            }
        }
    }
    report.take("another box of another version takes the backup, without who was deleted", || {
        browsers::restore(&named("PLENUM_NEXT_IMAGE")?, &folder.path().join("kept"), BOOT_LIMIT)
    });
    report.take("a signed file on a USB stick sets a factory disk up", || {
        zero_touch::sets_itself_up(&options, BOOT_LIMIT)
    });
    report.end();
}

#[test]
#[ignore = "boots a virtual machine ten times: cargo xtask test cuts"]
fn the_set_up_survives_power_cuts() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    lan::enter().expect("a network of its own");
    let options = options(folder.path()).expect("an image");
    let mut machine = boot(&options);
    browsers::cut_in_each_step(&mut machine, &options).expect("the set-up goes on where it stopped");
}

fn options(folder: &Path) -> Result<Options> {
    let site = Site::new(free_port()?, host_key(folder)?);
    let options = Options::new(named("PLENUM_IMAGE")?, folder.to_owned(), site);
    Ok(Options { network: Network::Lan, secure_boot: true, ..options })
}

fn named(variable: &str) -> Result<PathBuf> {
    let image = std::env::var_os(variable).context("cargo xtask test boot names the images")?;
    Ok(PathBuf::from(image))
}

fn boot(options: &Options) -> Machine {
    let mut machine = Machine::start(options).expect("a machine");
    let took = machine.wait_for_page(BOOT_LIMIT).expect("the join page");
    eprintln!("power-on to the join page: {:.1} s", took.as_secs_f32());
    machine
}

fn power_off(machine: &mut Machine) -> Result<()> {
    let off = machine.power_off(POWER_OFF_LIMIT);
    if off.is_err()
        && let Ok(journal) = machine.shell()?.run("journalctl --no-pager --lines=60")
    {
        eprintln!("the journal says:\n{journal}");
    }
    off
}

/// What was checked, as it goes, and what failed, for the end.
#[derive(Default)]
struct Report {
    failures: Vec<String>,
}

impl Report {
    fn take<T>(&mut self, name: &str, check: impl FnOnce() -> Result<T>) -> Option<T> {
        let began = Instant::now();
        let result = check();
        let verdict = if result.is_ok() { "ok" } else { "FAILED" };
        eprintln!("{verdict:>6}  {name} ({:.1} s)", began.elapsed().as_secs_f32());
        if let Err(error) = &result {
            eprintln!("        {error:#}");
            self.failures.push(format!("{name}: {error:#}"));
        }
        result.ok()
    }

    /// The console helps only as long as the machine is there.
    fn take_all(&mut self, checks: &[Check], machine: &mut Machine) {
        let before = self.failures.len();
        for (name, check) in checks {
            self.take(name, || check(machine));
        }
        if self.failures.len() > before {
            eprintln!("the console said:\n{}", machine.console());
        }
    }

    /// The first failure last: the others may follow from it, and whoever reads a log begins at its end.
    fn end(self) {
        for failure in self.failures.iter().rev() {
            eprintln!("\n{failure}");
        }
        assert!(self.failures.is_empty(), "{} of the checks failed", self.failures.len());
    }
}
