//! USB sticks.

use anyhow::{Context, Result};
use plenum_image::tools::Tools;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const FAT_BYTES: u64 = 16 << 20;

/// The image of a stick with this update, and files beside it.
pub fn with_update(folder: &Path, update: &Path, beside: &[(&str, Vec<u8>)]) -> Result<PathBuf> {
    let name = update.file_name().context("an update without a name")?;
    let name = name.to_string_lossy();
    let content = folder.join(format!("{name}.stick"));
    fs::create_dir_all(&content)?;
    let file = content.join(&*name);
    if !file.exists() {
        fs::hard_link(update, &file).or_else(|_| fs::copy(update, &file).map(drop))?;
    }
    for (name, bytes) in beside {
        fs::write(content.join(name), bytes)?;
    }
    let image = folder.join(format!("{name}.ext4"));
    let mut make = Command::new("/usr/sbin/mkfs.ext4");
    make.args(["-q", "-F", "-d"]).arg(&content).arg(&image).arg("400M");
    plenum_image::shell::run(&mut make)?;
    Ok(image)
}

/// The image of a stick with FAT, as they are sold, and these files.
pub fn fat(image: &Path, files: &[(&str, &[u8])]) -> Result<()> {
    let folder = image.parent().context("an image without a folder")?;
    let (name, content) = (image.file_name().context("an image without a name")?, folder.join("file"));
    let inside = format!("/image/{}", name.to_string_lossy());
    fs::File::create(image)?.set_len(FAT_BYTES)?;
    let tools = Tools::open()?.with(folder, "/image");
    plenum_image::shell::run(tools.command("mkfs.vfat").arg(&inside))?;
    for (name, bytes) in files {
        fs::write(&content, bytes)?;
        let target = format!("::/{name}");
        plenum_image::shell::run(tools.command("mcopy").args(["-i", &inside, "/image/file", &target]))?;
    }
    Ok(())
}
