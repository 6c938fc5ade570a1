//! `plenum.toml`: everything that the set-up asks for, in one file, for boxes that nobody sets up by hand. A fleet's
//! files differ by a few lines.
//!
//! The whole file is checked before anything of it is applied, and it is applied as a whole or not at all.

pub mod credential;
mod example;
mod locate;
mod signature;

pub use example::EXAMPLE;
pub use signature::{Trust, trust};

use crate::access::{account, password, second_factor};
use crate::backup::seal::Key;
use crate::certificate::Chain;
use crate::manager::{AcmeTyped, Area, MailTyped, Refused};
use plenum_protocol::manager::{
    AcmeSettings, BackupSettings, HostName, Institution, MailSettings, NetworkSettings, SyslogSettings,
    TimeSettings, UpdateSource,
};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::fmt;
use std::time::SystemTime;

/// On a USB stick; beside it may lie its signature.
pub const FILE: &str = "plenum.toml";
pub const SIGNATURE: &str = "plenum.toml.sig";
/// A file that is longer holds something else.
pub const MAX_BYTES: u64 = 256 << 10;
const VERSION: u32 = 1;

/// As it stands in the file.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u32,
    #[serde(default)]
    administrator: Vec<Person>,
    #[serde(default)]
    auditor: Vec<Person>,
    host_name: Option<String>,
    time_servers: Option<Vec<String>>,
    network: Option<NetworkSettings>,
    institution: Option<Institution>,
    update: Option<UpdateSource>,
    mail: Option<MailSettings>,
    syslog: Option<SyslogSettings>,
    backup: Option<Backup>,
    certificate: Option<Certificate>,
    acme: Option<Directory>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    pub name: String,
    pub password: String,
    /// Base32, of the authenticator that the person has already.
    pub second_factor: String,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Certificate {
    chain: String,
    key: String,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Backup {
    key: Option<String>,
    daily_at: Option<String>,
    keep: Option<u8>,
}

/// Where the certificate comes from by itself.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Directory {
    directory: String,
    #[serde(default)]
    contact: String,
    #[serde(default)]
    authorities: String,
    #[serde(default)]
    binding_key_id: String,
    binding_key: Option<String>,
}

/// Checked: all of it can be applied.
#[derive(Clone)]
pub struct Provisioning {
    pub administrators: Vec<Person>,
    pub auditors: Vec<Person>,
    pub host_name: Option<HostName>,
    pub time: Option<TimeSettings>,
    pub network: Option<NetworkSettings>,
    pub institution: Option<Institution>,
    pub update: Option<UpdateSource>,
    pub(crate) mail: Option<MailTyped>,
    pub syslog: Option<SyslogSettings>,
    pub backup: Option<BackupSettings>,
    pub(crate) backup_key: Option<Key>,
    pub certificate: Option<Chain>,
    pub(crate) acme: Option<AcmeTyped>,
}

/// What is wrong in a line, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// From 1.
    pub line: usize,
    /// As in `network.ipv4.gateway`; empty where no key is to blame.
    pub key: String,
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding { line, key, what } = self;
        match key.is_empty() {
            true => write!(f, "line {line}: {what}"),
            false => write!(f, "line {line}, {key}: {what}"),
        }
    }
}

/// For a box that is elsewhere: nobody knows its ports.
pub fn read(text: &str, now: SystemTime) -> Result<Provisioning, Vec<Finding>> {
    read_for(text, None, now)
}

/// Everything that is wrong with a file, not only the first. `ports`: those of the machine, where it is known.
pub fn read_for(text: &str, ports: Option<&[String]>, now: SystemTime) -> Result<Provisioning, Vec<Finding>> {
    let document = match toml::from_str::<Document>(text) {
        Ok(document) => document,
        Err(error) => {
            let line = error.span().map_or(1, |span| locate::line_at(text, span.start));
            let remedy = "`plenum config example` shows a file with every key";
            let what = format!("{}; {remedy}", told(error.message()));
            return Err(vec![Finding { line, key: String::new(), what }]);
        }
    };
    let mut check = Check { text, findings: Vec::new() };
    if document.version != VERSION {
        check.note(&["version"], format!("this box reads version {VERSION}: write `version = {VERSION}`"));
    }
    check.people(&document);
    if document.institution.as_ref().is_some_and(|it| !it.logo.is_empty()) {
        check.note(&["institution", "logo"], "a logo is uploaded in the administration: leave this key out");
    }
    let host_name = document.host_name.map(|host_name| HostName { revision: 0, host_name });
    let time = document.time_servers.map(|servers| TimeSettings { revision: 0, servers });
    let provisioning = Provisioning {
        host_name: check.area(&[], host_name),
        time: check.area(&["time_servers"], time),
        network: check.area(&["network"], document.network),
        institution: check.area(&["institution"], document.institution),
        update: check.area(&["update"], document.update),
        mail: check.mail(document.mail),
        syslog: check.area(&["syslog"], document.syslog),
        backup_key: check.backup_key(document.backup.as_ref()),
        backup: check.area(&["backup"], document.backup.map(BackupSettings::from)),
        certificate: None,
        acme: None,
        administrators: document.administrator,
        auditors: document.auditor,
    };
    check.ports(provisioning.network.as_ref(), ports);
    let name = provisioning.host_name.as_ref().map_or("", |it| it.host_name.as_str());
    if document.certificate.is_some() && document.acme.is_some() {
        check
            .note(&["acme"], "a certificate comes from one place: leave out this section or `[certificate]`");
    }
    let certificate = document.certificate.and_then(|it| check.certificate(&it, name, now));
    let acme = document.acme.and_then(|it| check.acme(it, !name.is_empty()));
    match check.findings.is_empty() {
        true => Ok(Provisioning { certificate, acme, ..provisioning }),
        false => Err(check.findings),
    }
}

/// What a file calls the ports, right or wrong.
pub(crate) fn ports_of(text: &str) -> Vec<String> {
    let document = toml::from_str::<Document>(text).ok();
    document.and_then(|it| it.network).map(|it| it.ports).unwrap_or_default()
}

/// In one line, without the value that is wrong: it may be a password.
fn told(message: &str) -> String {
    if !["invalid type", "invalid value"].iter().any(|kind| message.starts_with(kind)) {
        return message.replace('\n', " ");
    }
    let what = "a value of another type is expected here";
    // The value itself may contain these words: what is expected stands behind the last of them.
    match message.rsplit_once(", expected ") {
        Some((_, expected)) => format!("{what}: {}", expected.replace('\n', " ")),
        None => what.to_owned(),
    }
}

impl From<Backup> for BackupSettings {
    fn from(Backup { daily_at, keep, .. }: Backup) -> Self {
        let own = BackupSettings::default();
        BackupSettings {
            revision: 0,
            daily_at: daily_at.unwrap_or(own.daily_at),
            keep: keep.unwrap_or(own.keep),
        }
    }
}

impl From<Directory> for AcmeSettings {
    fn from(section: Directory) -> Self {
        let Directory { directory, contact, authorities, binding_key_id, binding_key } = section;
        AcmeSettings {
            revision: 0,
            enabled: true,
            directory,
            contact,
            authorities,
            binding_key_id,
            binding_key,
        }
    }
}

struct Check<'a> {
    text: &'a str,
    findings: Vec<Finding>,
}

impl Check<'_> {
    fn note(&mut self, key: &[&str], what: impl Into<String>) {
        let line = locate::line_of(self.text, key);
        // Places in lists are for the machine: the line says which one it is.
        let key: Vec<&str> = key.iter().copied().filter(|part| part.parse::<usize>().is_err()).collect();
        self.findings.push(Finding { line, key: key.join("."), what: what.into() });
    }

    /// By the same rules as a page's.
    fn area<A: Area>(&mut self, under: &[&str], area: Option<A>) -> Option<A> {
        let mut area = area?;
        match area.check() {
            Ok(()) => Some(area),
            Err(refused) => self.refused(under, refused),
        }
    }

    /// Settings for a port that is missing would leave the box without a network.
    fn ports(&mut self, network: Option<&NetworkSettings>, there: Option<&[String]>) {
        let (Some(network), Some(there)) = (network, there) else { return };
        let remedy = match there {
            [] => "this machine has none: leave this key out".to_owned(),
            names => format!("this machine has {}", names.join(", ")),
        };
        for port in network.ports.iter().filter(|port| !there.contains(port)) {
            self.note(&["network", "ports"], format!("there is no port {port}: {remedy}"));
        }
    }

    fn refused<T>(&mut self, under: &[&str], Refused(refused): Refused) -> Option<T> {
        let field = refused.field.unwrap_or_default();
        let mut key = under.to_vec();
        // A list of its own is its own field.
        if under != ["time_servers"] {
            key.extend(field.split('.').filter(|part| !part.is_empty()));
        }
        self.note(&key, refused.detail);
        None
    }

    fn mail(&mut self, mail: Option<MailSettings>) -> Option<MailTyped> {
        match MailTyped::check(mail?, &MailSettings::default()) {
            Ok(typed) => Some(typed),
            Err(refused) => self.refused(&["mail"], refused),
        }
    }

    fn acme(&mut self, section: Directory, named: bool) -> Option<AcmeTyped> {
        if !named {
            self.note(&["acme"], "a certificate is for a name: add `host_name`");
            return None;
        }
        match AcmeTyped::check(section.into(), named, false) {
            Ok(typed) => Some(typed),
            Err(refused) => self.refused(&["acme"], refused),
        }
    }

    fn backup_key(&mut self, section: Option<&Backup>) -> Option<Key> {
        let key = Key::typed(section?.key.as_ref()?);
        if key.is_none() {
            let what = "32 letters and digits are expected: `plenum config backup-key` makes a key";
            self.note(&["backup", "key"], what);
        }
        key
    }

    fn people(&mut self, document: &Document) {
        let mut names = BTreeSet::new();
        for (role, people) in [("administrator", &document.administrator), ("auditor", &document.auditor)] {
            for (place, person) in people.iter().enumerate() {
                let place = place.to_string();
                let at = |key: &'static str| [role, place.as_str(), key];
                match account::name(&person.name) {
                    None => self.note(&at("name"), account::NAME_RULE),
                    Some(name) => {
                        if let Err(weak) = password::check(&person.password, &name) {
                            self.note(&at("password"), format!("{weak}: take 12 characters or more"));
                        }
                        if !names.insert(name) {
                            self.note(
                                &at("name"),
                                "there are two accounts of this name: give one another name",
                            );
                        }
                    }
                }
                if !second_factor::is_secret(&person.second_factor) {
                    let what =
                        "16 bytes or more in base32 (A to Z, 2 to 7) are expected, as an authenticator shows";
                    self.note(&at("second_factor"), what);
                }
            }
        }
        if document.administrator.is_empty() {
            self.note(&[], "nobody could administer the box: add a section `[[administrator]]`");
        }
    }

    fn certificate(&mut self, typed: &Certificate, name: &str, now: SystemTime) -> Option<Chain> {
        match Chain::check(&typed.chain, &typed.key, name, now) {
            Ok(chain) => Some(chain),
            Err(fault) => {
                let Refused(refused) = Refused::from(fault);
                self.note(&["certificate", refused.field.as_deref().unwrap_or("chain")], refused.detail);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests;
