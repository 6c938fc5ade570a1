//! A virtual machine that boots an image: QEMU, OVMF and swtpm of the image builder's tools root.

mod firmware;
pub mod https;
pub mod lan;
pub mod mirror;
mod qemu;
pub mod qmp;
pub mod shell;
pub mod site;
pub mod stick;
mod tpm;

use crate::process::die_with_parent;
use anyhow::{Context, Result, bail};
use plenum_image::tools::Tools;
use qmp::Qmp;
use shell::Shell;
use site::Site;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tpm::Tpm;

#[derive(Clone)]
pub struct Options {
    /// The disk of the builder; it is not changed.
    pub image: PathBuf,
    /// Where the machine keeps its disk, its firmware's variables and its logs; made if it is not there.
    pub folder: PathBuf,
    pub site: Site,
    pub tpm: bool,
    /// Virtual processors.
    pub processors: u32,
    /// In MiB.
    pub memory: u32,
    /// Images of USB sticks, read-only for the machine.
    pub drives: Vec<PathBuf>,
    /// Name and text of system credentials, beside those of the site.
    pub credentials: Vec<(String, String)>,
    pub network: Network,
    /// A firmware that was never booted gets our development key and no other, and Secure Boot is on.
    pub secure_boot: bool,
    /// Each write to the disk is added to `writes.log` in the folder, as dm-log-writes does.
    pub writes: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// The ports of the site on this machine's loopback address, and a way out to its networks.
    Forwarded,
    /// That, and a wire to the calling thread's own network ([`lan::enter`]).
    Lan,
}

impl Options {
    /// With a TPM, without Secure Boot, two processors, 2 GiB.
    pub fn new(image: PathBuf, folder: PathBuf, site: Site) -> Options {
        let (drives, credentials, network) = (Vec::new(), Vec::new(), Network::Forwarded);
        let (tpm, secure_boot, writes) = (true, false, false);
        let (processors, memory) = (2, 2_048);
        Options {
            image,
            folder,
            site,
            tpm,
            processors,
            memory,
            drives,
            credentials,
            network,
            secure_boot,
            writes,
        }
    }
}

pub struct Machine {
    pub site: Site,
    folder: PathBuf,
    network: Network,
    qemu: Child,
    shell: Option<Shell>,
    qmp: Option<Qmp>,
    started: Instant,
    tpm: Option<Tpm>,
}

impl Machine {
    pub fn start(options: &Options) -> Result<Machine> {
        let folder = std::path::absolute(&options.folder)?;
        let mut tools = tools(options)?;
        for (number, drive) in options.drives.iter().enumerate() {
            tools = tools.with(&std::path::absolute(drive)?, &qemu::drive(number));
        }
        disk(&tools, &folder)?;
        firmware::variables(&tools, &folder, options.secure_boot)?;
        let tpm = options.tpm.then(|| Tpm::start(&tools, &folder)).transpose()?;
        let mut command = qemu::command(&tools, options)?;
        let log = File::create(folder.join("qemu.log"))?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        die_with_parent(&mut command);
        let qemu = command.spawn().context("QEMU did not start")?;
        Ok(Machine {
            site: options.site.clone(),
            folder,
            network: options.network,
            qemu,
            shell: None,
            qmp: None,
            started: Instant::now(),
            tpm,
        })
    }

    /// `/machine` in the tools.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A folder for what tests keep of it; it lasts as long as its disk.
    pub fn kept(&self) -> Result<PathBuf> {
        let kept = self.folder.join("kept");
        fs::create_dir_all(&kept)?;
        Ok(kept)
    }

    /// Waits until the join page answers; gives the time since the machine was switched on.
    pub fn wait_for_page(&mut self, limit: Duration) -> Result<Duration> {
        let mut last = None;
        while self.started.elapsed() < limit {
            self.check_alive()?;
            match https::get(self.site.https_port, "/") {
                Ok(_) => return Ok(self.started.elapsed()),
                Err(error) => last = Some(error),
            }
            std::thread::sleep(Duration::from_millis(250));
        }
        let why = last.map(|error| format!("{error:#}")).unwrap_or_default();
        bail!("no page within {} s ({why}); the console said:\n{}", limit.as_secs(), self.console())
    }

    /// The root shell of the debug variant; one for as long as the machine runs.
    pub fn shell(&mut self) -> Result<&mut Shell> {
        if self.shell.is_none() {
            self.shell = Some(Shell::connect(&self.folder.join("shell.sock"))?);
        }
        self.shell.as_mut().context("it was connected above")
    }

    /// What a hand at the machine would do.
    pub fn qmp(&mut self) -> Result<&mut Qmp> {
        if self.qmp.is_none() {
            self.qmp = Some(Qmp::connect(&self.folder.join("qmp.sock"), qemu::cards(self.network))?);
        }
        self.qmp.as_mut().context("it was connected above")
    }

    /// Waits until the console has said this; for machines that do not come to a shell.
    pub fn wait_for_console(&mut self, text: &str, limit: Duration) -> Result<()> {
        while self.started.elapsed() < limit {
            self.check_alive()?;
            if self.whole_console().contains(text) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(250));
        }
        bail!("not within {} s: `{text}`; the console said:\n{}", limit.as_secs(), self.console())
    }

    /// Switches it off as its power button does, and waits until it is off.
    pub fn power_off(&mut self, limit: Duration) -> Result<()> {
        self.qmp()?.power_button()?;
        self.wait_until_off(limit)
    }

    /// Waits until it has switched itself off, or wants to start again.
    pub fn wait_until_off(&mut self, limit: Duration) -> Result<()> {
        let end = Instant::now() + limit;
        while !self.has_ended() {
            if Instant::now() > end {
                bail!("still on after {} s; the console said:\n{}", limit.as_secs(), self.console());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    /// Whether it has been switched off from inside.
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.qemu.try_wait(), Ok(None))
    }

    fn check_alive(&mut self) -> Result<()> {
        if self.has_ended() {
            let log = fs::read_to_string(self.folder.join("qemu.log")).unwrap_or_default();
            bail!("the machine ended: {log}\nthe console said:\n{}", self.console());
        }
        Ok(())
    }

    /// The last lines of the serial console.
    pub fn console(&self) -> String {
        let text = self.whole_console();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }

    /// Everything since it was switched on.
    pub fn whole_console(&self) -> String {
        let bytes = fs::read(self.folder.join("console.log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// As if the power was cut.
    pub fn cut(&mut self) {
        let _ = self.qemu.kill();
        let _ = self.qemu.wait();
        self.tpm = None;
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.cut();
    }
}

/// The machine's own disk over the image.
fn disk(tools: &Tools, folder: &Path) -> Result<()> {
    if folder.join("disk.qcow2").is_file() {
        return Ok(());
    }
    let mut create = tools.command("qemu-img");
    create.args(["create", "-q", "-f", "qcow2", "-F", "raw", "-b", "/image.raw"]);
    run(create.args(["/machine/disk.qcow2", "16G"]))
}

/// Ones over a piece of the disk of a machine that is off.
pub fn overwrite(options: &Options, start: u64, bytes: u64) -> Result<()> {
    let mut write = tools(options)?.command("qemu-io");
    write.args(["-f", "qcow2", "-c"]).arg(format!("write -P 0xff {start} {bytes}"));
    run(write.arg("/machine/disk.qcow2"))
}

/// The disk of a machine that is off, as one file of the size that it sees.
pub fn flatten(options: &Options) -> Result<PathBuf> {
    let mut convert = tools(options)?.command("qemu-img");
    convert.args(["convert", "-f", "qcow2", "-O", "raw", "/machine/disk.qcow2", "/machine/flat.raw"]);
    run(&mut convert)?;
    Ok(options.folder.join("flat.raw"))
}

/// With the machine's folder and its image where its disk names them.
fn tools(options: &Options) -> Result<Tools> {
    let folder = std::path::absolute(&options.folder)?;
    fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let image = fs::canonicalize(&options.image)
        .with_context(|| format!("there is no image {}", options.image.display()))?;
    Ok(Tools::open()?.with(&folder, "/machine").with(&image, "/image.raw"))
}

fn run(command: &mut Command) -> Result<()> {
    plenum_image::shell::run(command)
}
