//! Writing lock files, and fetching what they name.

use crate::lock::{Lock, field};
use crate::{digest, paths, shell};
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const MIRROR: &str = "http://deb.debian.org";
/// What a lock file keeps of a stanza: what apt needs to install, and what the SBOM tells.
const FIELDS: [&str; 17] = [
    "Package",
    "Source",
    "Version",
    "Architecture",
    "Essential",
    "Protected",
    "Multi-Arch",
    "Provides",
    "Pre-Depends",
    "Depends",
    "Breaks",
    "Conflicts",
    "Replaces",
    "Section",
    "Filename",
    "Size",
    "SHA256",
];

/// A lock file, the lists that it is made of, and whether it holds what their packages depend on too: kernel and
/// firmware are unpacked, not installed.
struct Source {
    name: &'static str,
    lists: &'static [&'static str],
    with_dependencies: bool,
}

const SOURCES: [Source; 4] = [
    Source { name: "tools", lists: &["image/packages/tools.list"], with_dependencies: true },
    Source { name: "root", lists: &["image/packages/root.list"], with_dependencies: true },
    Source { name: "kernel", lists: &["image/packages/kernel.list"], with_dependencies: false },
    Source {
        name: "firmware",
        lists: &["firmware/packages/microcode.list", "firmware/packages/network.list"],
        with_dependencies: false,
    },
];

/// Writes the lock files of these names, or all, with today's versions of Debian 13; tells what each holds.
pub fn lock_all(names: &[String]) -> Result<Vec<(&'static str, usize)>> {
    if let Some(unknown) = names.iter().find(|name| SOURCES.iter().all(|source| source.name != **name)) {
        bail!("no lock file is called {unknown}: there are tools, root, kernel and firmware");
    }
    let wanted = SOURCES.iter().filter(|source| names.is_empty() || names.iter().any(|it| it == source.name));
    wanted.map(|source| Ok((source.name, lock(source)?.packages.len()))).collect()
}

fn lock(source: &Source) -> Result<Lock> {
    let wanted = source.wanted()?;
    let apt = Apt::new()?;
    let urls = apt.resolve(&wanted, source.with_dependencies)?;
    let stanzas = apt.stanzas()?;
    let mut chosen = BTreeMap::new();
    for url in urls {
        let stanza = stanzas.get(&url).with_context(|| format!("no index of the mirror names {url}"))?;
        chosen.insert(field(stanza, "Package").unwrap_or_default().to_owned(), trimmed(stanza));
    }
    let text = chosen.into_values().collect::<Vec<_>>().join("\n");
    fs::write(paths::definitions().join(format!("packages/{}.lock", source.name)), &text)?;
    Lock::parse(&text)
}

impl Source {
    fn wanted(&self) -> Result<Vec<String>> {
        let lists = self.lists.iter().map(|path| list(&paths::repository().join(path)));
        Ok(lists.collect::<Result<Vec<_>>>()?.concat())
    }
}

/// A list has one word per line; `#` begins a comment.
pub fn list(path: &Path) -> Result<Vec<String>> {
    let text = fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    Ok(lines.filter(|line| !line.is_empty()).map(str::to_owned).collect())
}

fn trimmed(stanza: &str) -> String {
    let lines = FIELDS.iter().filter_map(|name| Some(format!("{name}: {}\n", field(stanza, name)?)));
    lines.collect()
}

/// An apt of its own: it neither sees nor changes what this machine has installed.
struct Apt {
    folder: PathBuf,
}

impl Apt {
    fn new() -> Result<Apt> {
        let folder = paths::cache().join("apt");
        for sub in ["state/lists/partial", "cache/archives/partial", "parts"] {
            fs::create_dir_all(folder.join(sub))?;
        }
        let keys = "/usr/share/keyrings/debian-archive-keyring.gpg";
        let source = |archive: &str, suites: &str| {
            format!(
                "Types: deb\nURIs: {MIRROR}/{archive}\nSuites: {suites}\n\
                 Components: main non-free-firmware\nArchitectures: amd64\nSigned-By: {keys}\n\n"
            )
        };
        let sources =
            source("debian", "trixie trixie-updates") + &source("debian-security", "trixie-security");
        fs::write(folder.join("parts/debian.sources"), sources)?;
        fs::write(folder.join("status"), "")?;
        let at = folder.display();
        let configuration = format!(
            "Dir::Etc::sourcelist \"/dev/null\";\nDir::Etc::sourceparts \"{at}/parts\";\n\
             Dir::State \"{at}/state\";\nDir::State::status \"{at}/status\";\nDir::Cache \"{at}/cache\";\n\
             APT::Install-Recommends \"0\";\nAPT::Architecture \"amd64\";\nAPT::Architectures \"amd64\";\n\
             APT::Sandbox::User \"\";\nAcquire::Languages \"none\";\n"
        );
        fs::write(folder.join("apt.conf"), configuration)?;
        let apt = Apt { folder };
        shell::run(apt.command("apt-get").args(["update", "-qq"]))
            .context("the package indices of Debian 13 cannot be fetched")?;
        Ok(apt)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("APT_CONFIG", self.folder.join("apt.conf"));
        // On the command line, because this machine's configuration is read after ours.
        command.args(["-o", "Acquire::GzipIndexes=false"]);
        command
    }

    /// URLs of the packages, and with `with_dependencies` of all that they and an essential system need.
    fn resolve(&self, wanted: &[String], with_dependencies: bool) -> Result<Vec<String>> {
        let mut command = self.command("apt-get");
        if with_dependencies {
            command.args(["install", "-y", "-qq", "--print-uris", "?essential"]);
        } else {
            command.args(["download", "-qq", "--print-uris"]);
        }
        let printed = String::from_utf8(shell::output(command.args(wanted))?)?;
        Ok(printed.lines().filter_map(|line| Some(line.split('\'').nth(1)?.to_owned())).collect())
    }

    /// All stanzas of the indices by URL.
    fn stanzas(&self) -> Result<BTreeMap<String, String>> {
        let mut stanzas = BTreeMap::new();
        for entry in fs::read_dir(self.folder.join("state/lists"))? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if !name.ends_with("_Packages") {
                continue;
            }
            let archive = if name.contains("debian-security") { "debian-security" } else { "debian" };
            for stanza in fs::read_to_string(&path)?.split("\n\n") {
                if let Some(filename) = field(stanza, "Filename") {
                    stanzas.insert(url(archive, filename), stanza.to_owned());
                }
            }
        }
        Ok(stanzas)
    }
}

/// As apt writes it: some characters are escaped.
fn url(archive: &str, filename: &str) -> String {
    format!("{MIRROR}/{archive}/{}", filename.replace('+', "%2b").replace('~', "%7e"))
}

/// Fetches what a lock file names into the cache, checks it, and gives a folder that is a package
/// repository of exactly these packages.
pub fn fetch(lock: &Lock) -> Result<PathBuf> {
    let cache = paths::cache().join("debs");
    let repository = paths::cache().join(format!("repository-{}", lock.id()));
    fs::create_dir_all(&repository)?;
    let mut missing = Vec::new();
    for package in &lock.packages {
        let file = cache.join(&package.filename);
        if !file.is_file() {
            missing.push((package, file));
        }
    }
    for some in missing.chunks(40) {
        // apt's own downloader: it knows this machine's proxy, and checks the digest.
        let mut command = Command::new("/usr/lib/apt/apt-helper");
        command.args(["-o", "APT::Sandbox::User=", "download-file"]);
        for (package, file) in some {
            fs::create_dir_all(file.parent().expect("a package lies in a folder"))?;
            let archive =
                if package.filename.starts_with("pool/updates/") { "debian-security" } else { "debian" };
            command.arg(url(archive, &package.filename)).arg(file);
            command.arg(format!("SHA256:{}", package.sha256));
        }
        shell::run(&mut command).context(
            "packages of the lock file cannot be fetched; if the mirror has newer ones, `plenum-image lock` \
             takes them",
        )?;
    }
    for package in &lock.packages {
        let file = cache.join(&package.filename);
        if digest::sha256(&file)? != package.sha256 {
            bail!("{} is not what the lock file names: delete it, and it is fetched again", file.display());
        }
        let link = repository.join(&package.filename);
        fs::create_dir_all(link.parent().expect("a package lies in a folder"))?;
        if !link.exists() {
            fs::hard_link(&file, &link)?;
        }
    }
    fs::write(repository.join("Packages"), &lock.text)?;
    Ok(repository)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_files_hold_what_the_lists_name() {
        for source in &SOURCES {
            let path = paths::definitions().join(format!("packages/{}.lock", source.name));
            let lock = Lock::read(&path).unwrap();
            for name in source.wanted().unwrap() {
                let there = lock.names().any(|locked| locked == name);
                assert!(there, "{} lacks {name}: `cargo xtask image lock {}`", path.display(), source.name);
            }
        }
    }
}
