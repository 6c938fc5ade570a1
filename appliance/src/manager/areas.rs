//! What may stand in each area.

use super::area::Area;
use super::{Refused, text};
use crate::updater;
use plenum_protocol::manager::{HostName, SyslogSettings, TimeSettings, UpdateSource};
use plenum_store::Field;

const MAX_CHANNEL_CHARS: usize = 32;
const MAX_CHARS: usize = 120;
const MAX_SERVERS: usize = 4;

impl Area for HostName {
    const NAME: &'static str = "host_name";
    const PURPOSE: &'static str = "is the name under which people reach the box";
    const FIELDS: &'static [Field] = &[
        Field::new("revision", "how often it was changed"),
        Field::new("host_name", "fully qualified name"),
    ];

    fn revision(&mut self) -> &mut u32 {
        &mut self.revision
    }

    fn check(&mut self) -> Result<(), Refused> {
        self.host_name = self.host_name.trim().to_owned();
        if self.host_name.is_empty() {
            return Ok(());
        }
        text::host_name("host_name", &mut self.host_name)?;
        match self.host_name == "localhost" || self.host_name.ends_with(".localhost") {
            true => {
                Err(Refused::malformed("host_name", "localhost is a name that every machine has for itself"))
            }
            false => Ok(()),
        }
    }
}

impl Area for TimeSettings {
    const NAME: &'static str = "time";
    const PURPOSE: &'static str = "says where the box takes the time from";
    const FIELDS: &'static [Field] =
        &[Field::new("revision", "how often it was changed"), Field::new("servers", "NTP servers")];

    fn revision(&mut self) -> &mut u32 {
        &mut self.revision
    }

    fn check(&mut self) -> Result<(), Refused> {
        self.servers.iter_mut().try_for_each(|server| text::host("servers", server))?;
        text::list("servers", &mut self.servers, MAX_SERVERS)
    }
}

impl Area for SyslogSettings {
    const NAME: &'static str = "syslog";
    const PURPOSE: &'static str = "says which server gets the operations logs";
    const FIELDS: &'static [Field] = &[
        Field::new("revision", "how often it was changed"),
        Field::new("server", "name of the server"),
        Field::new("port", "its port"),
        Field::new("authorities", "authorities that are trusted for it"),
    ];

    fn revision(&mut self) -> &mut u32 {
        &mut self.revision
    }

    fn check(&mut self) -> Result<(), Refused> {
        self.server = self.server.trim().to_owned();
        if !self.server.is_empty() {
            text::host("server", &mut self.server)?;
        }
        text::port("port", self.port)?;
        text::authorities("authorities", &mut self.authorities, text::MAX_AUTHORITIES_BYTES)
    }
}

impl Area for UpdateSource {
    const NAME: &'static str = "update";
    const PURPOSE: &'static str = "says where updates come from, and when the box restarts for one";
    const FIELDS: &'static [Field] = &[
        Field::new("revision", "how often it was changed"),
        Field::new("source", "address of a folder with updates"),
        Field::new("channel", "name of a folder in it"),
        Field::new("automatic", "whether the box installs what it finds"),
        Field::new("authorities", "authorities that are trusted for it"),
        Field::new("restart_window", "hours in which the box restarts"),
    ];

    fn revision(&mut self) -> &mut u32 {
        &mut self.revision
    }

    fn check(&mut self) -> Result<(), Refused> {
        text::address("source", &mut self.source)?;
        self.channel = self.channel.trim().to_owned();
        let allowed = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit() || char == '-';
        if self.channel.len() > MAX_CHANNEL_CHARS || !self.channel.chars().all(allowed) {
            let detail = "a channel has up to 32 lower-case letters, digits and hyphens, such as stable";
            return Err(Refused::malformed("channel", detail));
        }
        text::line("restart_window", &mut self.restart_window, MAX_CHARS)?;
        if !self.restart_window.is_empty()
            && let Err(what) = updater::check_window(&self.restart_window)
        {
            return Err(Refused::malformed("restart_window", what));
        }
        text::authorities("authorities", &mut self.authorities, text::MAX_AUTHORITIES_BYTES)
    }
}

#[cfg(test)]
mod tests {
    use super::super::area::Kept;
    use super::*;

    #[test]
    fn dm1_every_stored_field_is_declared() {
        plenum_store::check_fields(&[Kept(HostName::default())]).unwrap();
        plenum_store::check_fields(&[Kept(TimeSettings::default())]).unwrap();
        plenum_store::check_fields(&[Kept(UpdateSource::default())]).unwrap();
        plenum_store::check_fields(&[Kept(SyslogSettings::default())]).unwrap();
    }

    #[test]
    fn a_channel_is_one_folder() {
        for (channel, good) in [
            ("", true),
            (" stable ", true),
            ("security-2027", true),
            ("../other", false),
            ("Stable", false),
            (&*"x".repeat(33), false),
        ] {
            let mut wanted = UpdateSource { channel: channel.into(), ..UpdateSource::default() };
            assert_eq!(wanted.check().is_ok(), good, "{channel}");
        }
    }

    #[test]
    fn an_update_source_is_a_folder_on_a_server() {
        let field = |source: &str, window: &str, authorities: &str| {
            let mut wanted = UpdateSource {
                revision: 0,
                source: source.into(),
                authorities: authorities.into(),
                restart_window: window.into(),
                ..UpdateSource::default()
            };
            wanted.check().err().map(|refused| refused.0.field.unwrap())
        };
        let made = rcgen::CertificateParams::new(["ca.example".to_owned()]).unwrap();
        let pem = made.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().pem();
        assert_eq!(field("", "", ""), None);
        assert_eq!(field("https://updates.example/plenum", "23:00-02:30", &pem), None);
        assert_eq!(field("http://updates.example", "", "").as_deref(), Some("source"));
        assert_eq!(field("", "25:00-26:00", "").as_deref(), Some("restart_window"));
        assert_eq!(field("", "", "no PEM").as_deref(), Some("authorities"));
        assert_eq!(field("", "", &pem.repeat(9)).as_deref(), Some("authorities"));
    }

    #[test]
    fn no_machine_is_called_localhost() {
        let name = |name: &str| HostName { revision: 0, host_name: name.into() }.check();
        assert_eq!(name(""), Ok(()));
        assert_eq!(name("plenum.example.org"), Ok(()));
        assert!(name("localhost").is_err());
        assert!(name("LOCALHOST.").is_err());
        assert!(name("x.localhost").is_err());
    }
}
