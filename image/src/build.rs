//! `plenum-image build`: the steps in their order.

use crate::keys::Keys;
use crate::tools::Tools;
use crate::{bundle, digest, disk, files, initrd, paths, payload, root, sbom, uki};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::time::Instant;

#[derive(Debug, clap::Args)]
pub struct Options {
    /// Folder of the built daemons.
    #[arg(long)]
    programs: PathBuf,
    /// Folder for what is made.
    #[arg(long)]
    out: PathBuf,
    #[arg(long)]
    version: String,
    /// Seconds since 1970 that every file bears: the commit's.
    #[arg(long)]
    epoch: u64,
    /// With a shell and a way in for tests.
    #[arg(long)]
    debug_variant: bool,
    /// Install the base packages anew instead of taking them from the cache.
    #[arg(long)]
    fresh: bool,
    /// Only disk and update, compressed quickly or not at all: what the boot suite needs.
    #[arg(long)]
    quick: bool,
    /// A folder over the root, for tests: versions that have to fail.
    #[arg(long)]
    overlay: Option<PathBuf>,
    /// Folder of the release keys; without it development keys are made.
    #[arg(long)]
    keys: Option<PathBuf>,
}

/// What every step knows.
pub struct Build {
    pub programs: PathBuf,
    pub out: PathBuf,
    /// Inside the tools root it is `/build`.
    pub work: PathBuf,
    pub version: String,
    pub epoch: u64,
    pub debug: bool,
    pub fresh: bool,
    pub quick: bool,
    pub overlay: Option<PathBuf>,
    pub tools: Tools,
    pub keys: Keys,
}

pub fn run(options: &Options) -> Result<()> {
    let build = Build::prepare(options)?;
    let kernel = build.step("root file system", root::assemble)?;
    build.step("initrd", |build| initrd::make(build, &kernel))?;
    let payload = build.step("erofs and dm-verity", payload::make)?;
    build.step("kernel image", |build| uki::make(build, &payload, &kernel))?;
    build.step("boot loader", uki::sign_boot_loader)?;
    build.step("disk", |build| disk::make(build, &payload))?;
    build.step("update", |build| bundle::make(build, &payload))?;
    if !build.quick {
        build.step("bill of materials", sbom::write)?;
        build.step("checksums", checksums)?;
    }
    files::remove(&build.work)
}

impl Build {
    fn prepare(options: &Options) -> Result<Build> {
        let out = std::path::absolute(&options.out)?;
        let work = out.join(if options.debug_variant { "work-debug" } else { "work" });
        files::fresh(&work)?;
        let tools = Tools::open()?.with(&work, "/build").with(&paths::definitions(), "/definitions");
        let keys = Keys::open(options.keys.as_deref(), &tools)?;
        Ok(Build {
            programs: std::path::absolute(&options.programs)?,
            out,
            work,
            version: options.version.clone(),
            epoch: options.epoch,
            debug: options.debug_variant,
            fresh: options.fresh,
            quick: options.quick,
            overlay: options.overlay.clone(),
            tools,
            keys,
        })
    }

    pub fn root(&self) -> PathBuf {
        self.work.join("root")
    }

    /// What the output files are called.
    pub fn name(&self) -> String {
        let variant = if self.debug { "-debug" } else { "" };
        format!("plenum-{}{variant}", self.version)
    }

    /// What systemd-boot, systemd-sysupdate and the partitions call this version.
    pub fn entry(&self) -> String {
        format!("plenum_{}", self.version)
    }

    pub fn compression(&self) -> &'static str {
        if self.quick { "-1" } else { "-12" }
    }

    /// From which systemd-repart derives every UUID that is not the root hash's.
    pub fn seed(&self) -> String {
        let hex = digest::sha256_of(self.name().as_bytes());
        [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..32]].join("-")
    }

    fn step<T>(&self, what: &str, step: impl FnOnce(&Build) -> Result<T>) -> Result<T> {
        let began = Instant::now();
        let done = step(self).with_context(|| format!("{what}: failed"))?;
        eprintln!("{:>6.1} s  {what}", began.elapsed().as_secs_f32());
        Ok(done)
    }
}

/// In the format of sha256sum(1).
fn checksums(build: &Build) -> Result<()> {
    let name = build.name();
    let mut text = String::new();
    for ending in ["raw.zst", "update", "cdx.json"] {
        let file = format!("{name}.{ending}");
        text += &format!("{}  {file}\n", digest::sha256(&build.out.join(&file))?);
    }
    let path: &Path = &build.out.join(format!("{name}.sha256"));
    std::fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))
}
