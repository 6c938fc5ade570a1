//! Disks that can be full and that can lose their power: an ext4 on a loop device and a small tmpfs, in a
//! mount namespace of this process alone. Whatever happens to the process, the kernel unmounts them and frees
//! the loop device (autoclear).

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::Command,
};

use nix::{
    mount::{MntFlags, MsFlags, mount, umount2},
    sched::{CloneFlags, unshare},
};

use super::runner::Problem;

/// Detaches this process's mounts from everybody else's. To be called while it has one thread.
pub(crate) fn own_mounts() -> Result<(), Problem> {
    let impossible = |errno| Problem::Impossible(format!("no mount namespace of its own: {errno}"));
    unshare(CloneFlags::CLONE_NEWNS).map_err(impossible)?;
    let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    mount(None::<&str>, "/", None::<&str>, private, None::<&str>).map_err(impossible)
}

/// A tmpfs of so many bytes; unmounted when it is dropped.
pub(crate) struct Tmpfs {
    pub path: PathBuf,
}

impl Tmpfs {
    pub(crate) fn new(path: &Path, bytes: u64) -> Result<Tmpfs, Problem> {
        fs::create_dir_all(path)?;
        let size = format!("size={bytes}");
        mount(Some("tmpfs"), path, Some("tmpfs"), MsFlags::empty(), Some(size.as_str()))
            .map_err(|errno| Problem::Impossible(format!("no tmpfs can be mounted: {errno}")))?;
        Ok(Tmpfs { path: path.into() })
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let _ = umount2(&self.path, MntFlags::MNT_DETACH);
    }
}

/// An ext4 in a file, to be mounted at `mount_point`.
pub(crate) struct Disk {
    image: PathBuf,
    pub mount_point: PathBuf,
}

/// A mounted [`Disk`].
pub(crate) struct Mounted<'a> {
    disk: &'a Disk,
    directory: Option<File>,
}

impl Disk {
    pub(crate) fn new(directory: &Path, bytes: u64) -> Result<Disk, Problem> {
        let disk = Disk { image: directory.join("disk.img"), mount_point: directory.join("disk") };
        File::create(&disk.image)?.set_len(bytes)?;
        fs::create_dir_all(&disk.mount_point)?;
        let output = Command::new("/sbin/mkfs.ext4").args(["-q", "-F"]).arg(&disk.image).output();
        match output {
            Ok(output) if output.status.success() => Ok(disk),
            Ok(output) => {
                let why = String::from_utf8_lossy(&output.stderr).into_owned();
                Err(Problem::Impossible(format!("mkfs.ext4 failed: {why}")))
            }
            Err(error) => Err(Problem::Impossible(format!("no mkfs.ext4: {error}"))),
        }
    }

    pub(crate) fn mount(&self) -> Result<Mounted<'_>, Problem> {
        let (device, _open) = attach(&self.image)
            .map_err(|error| Problem::Impossible(format!("no loop device can be had: {error}")))?;
        mount(Some(&device), &self.mount_point, Some("ext4"), MsFlags::MS_NOATIME, None::<&str>)
            .map_err(|errno| Problem::Impossible(format!("the loop device cannot be mounted: {errno}")))?;
        Ok(Mounted { disk: self, directory: Some(File::open(&self.mount_point)?) })
    }
}

impl Mounted<'_> {
    /// From now on nothing reaches the disk: dirty pages and the log in memory are lost, everything fails.
    pub(crate) fn cut_power(&self) -> io::Result<()> {
        let directory = self.directory.as_ref().expect("taken in drop only");
        ioctl::shutdown_without_log_flush(directory)
    }
}

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        drop(self.directory.take());
        // A process that was killed may hold it for a moment.
        for _ in 0..200 {
            if umount2(&self.disk.mount_point, MntFlags::empty()).is_ok() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let _ = umount2(&self.disk.mount_point, MntFlags::MNT_DETACH);
    }
}

/// Attaches the image to a free loop device that detaches itself when it is unmounted and closed.
fn attach(image: &Path) -> io::Result<(PathBuf, File)> {
    let control = File::open("/dev/loop-control")?;
    let image = File::options().read(true).write(true).open(image)?;
    let mut tries = 0;
    loop {
        let number = ioctl::free_loop_device(&control)?;
        let path = PathBuf::from(format!("/dev/loop{number}"));
        let device = File::options().read(true).write(true).open(&path)?;
        match ioctl::configure_loop_device(&device, &image) {
            Ok(()) => return Ok((path, device)),
            // Somebody else was quicker.
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy && tries < 50 => tries += 1,
            Err(error) => return Err(error),
        }
    }
}

/// Three ioctls that nix does not wrap. Unsafe, because an ioctl's argument is whatever the driver makes of it.
#[allow(unsafe_code)]
mod ioctl {
    use std::{fs::File, io, os::fd::AsRawFd as _};

    /// EXT4_GOING_FLAGS_NOLOGFLUSH of fs/ext4/ext4.h
    const NO_LOG_FLUSH: u32 = 2;
    /// LO_FLAGS_AUTOCLEAR of linux/loop.h
    const AUTOCLEAR: u32 = 4;

    /// `struct loop_config` of linux/loop.h, with `struct loop_info64` spread out.
    #[repr(C)]
    struct LoopConfig {
        fd: u32,
        block_size: u32,
        numbers: [u64; 5],
        info: [u32; 4],
        names_and_key: [u8; 64 + 64 + 32],
        init: [u64; 2],
        reserved: [u64; 8],
    }

    nix::ioctl_write_ptr_bad!(ext4_shutdown, nix::request_code_read!(b'X', 125, size_of::<u32>()), u32);
    nix::ioctl_none_bad!(loop_ctl_get_free, 0x4C82);
    nix::ioctl_write_ptr_bad!(loop_configure, 0x4C0A, LoopConfig);

    pub(super) fn shutdown_without_log_flush(directory: &File) -> io::Result<()> {
        // SAFETY: the kernel reads one u32 through the pointer.
        unsafe { ext4_shutdown(directory.as_raw_fd(), &NO_LOG_FLUSH) }?;
        Ok(())
    }

    pub(super) fn free_loop_device(control: &File) -> io::Result<i32> {
        // SAFETY: it takes no argument.
        Ok(unsafe { loop_ctl_get_free(control.as_raw_fd()) }?)
    }

    pub(super) fn configure_loop_device(device: &File, image: &File) -> io::Result<()> {
        let config = LoopConfig {
            fd: image.as_raw_fd() as u32, // a descriptor is never negative
            block_size: 0,
            numbers: [0; 5],
            info: [0, 0, 0, AUTOCLEAR],
            names_and_key: [0; 160],
            init: [0; 2],
            reserved: [0; 8],
        };
        // SAFETY: the kernel reads a struct loop_config through the pointer, whose layout this is.
        unsafe { loop_configure(device.as_raw_fd(), &config) }?;
        Ok(())
    }
}
