//! The display's words, in German and English.

use super::state::Order;
use plenum_protocol::manager::{Problem, SettingsArea};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    German,
    English,
}

use Language::{English, German};

impl Language {
    pub fn other(self) -> Language {
        match self {
            German => English,
            English => German,
        }
    }

    /// The words of this language.
    fn of<'a>(self, german: &'a str, english: &'a str) -> &'a str {
        match self {
            German => german,
            English => english,
        }
    }

    pub(super) fn starting(self) -> &'static str {
        self.of("Die Box startet …", "The box is starting …")
    }

    pub(super) fn set_up(self) -> &'static str {
        self.of("Zum Einrichten im Browser öffnen:", "To set it up, open in a browser:")
    }

    pub(super) fn open(self) -> &'static str {
        self.of("Im Browser erreichbar unter:", "Open in a browser:")
    }

    pub(super) fn code(self) -> &'static str {
        self.of("Einrichtungscode:", "Setup code:")
    }

    pub(super) fn fingerprint(self) -> &'static str {
        self.of("Zertifikat, SHA-256:", "Certificate, SHA-256:")
    }

    pub(super) fn people(self, rooms: u32, people: u32) -> String {
        match (self, rooms) {
            (German, 0) => "Zurzeit läuft keine Konferenz.".to_owned(),
            (English, 0) => "No meeting is running.".to_owned(),
            (German, 1) => format!("Eine Konferenz läuft, Personen: {people}"),
            (English, 1) => format!("One meeting is running, people: {people}"),
            (German, _) => format!("Es laufen {rooms} Konferenzen, Personen: {people}"),
            (English, _) => format!("{rooms} meetings are running, people: {people}"),
        }
    }

    pub(super) fn well(self) -> &'static str {
        self.of("Alles in Ordnung.", "All is well.")
    }

    pub(super) fn trial(self, seconds: u32) -> String {
        match self {
            German => format!("Neue Netzwerkeinstellungen warten auf Bestätigung: noch {seconds} s"),
            English => format!("New network settings wait to be confirmed: {seconds} s left"),
        }
    }

    pub(crate) fn problem(self, problem: &Problem) -> String {
        match (self, problem) {
            (German, Problem::MediaServerSilent) => {
                "Der Medienserver antwortet nicht: Konferenzen können nicht beginnen.".to_owned()
            }
            (English, Problem::MediaServerSilent) => {
                "The media server does not answer: no meeting can begin.".to_owned()
            }
            (German, Problem::PagesSilent) => "Die Seiten antworten nicht.".to_owned(),
            (English, Problem::PagesSilent) => "The pages do not answer.".to_owned(),
            (German, Problem::UnitFailed { unit }) => format!("{unit} ist fehlgeschlagen."),
            (English, Problem::UnitFailed { unit }) => format!("{unit} failed."),
            (_, Problem::NotApplied { area, detail }) => format!("{}: {detail}", self.area(*area)),
            (German, Problem::LowDisk { free_megabytes }) => {
                format!("Der Speicher ist fast voll: noch {free_megabytes} MB.")
            }
            (English, Problem::LowDisk { free_megabytes }) => {
                format!("The disk is nearly full: {free_megabytes} MB are free.")
            }
            (German, Problem::CertificateExpires { days: ..0 }) => "Das Zertifikat ist abgelaufen.".to_owned(),
            (English, Problem::CertificateExpires { days: ..0 }) => "The certificate has expired.".to_owned(),
            (German, Problem::CertificateExpires { days }) => {
                format!("Das Zertifikat läuft ab; Tage bis dahin: {days}")
            }
            (English, Problem::CertificateExpires { days }) => {
                format!("The certificate expires; days until then: {days}")
            }
            (German, Problem::CertificateNotRenewed { failure }) => {
                format!("Die Box bekommt kein neues Zertifikat: {}", failure.detail)
            }
            (English, Problem::CertificateNotRenewed { failure }) => {
                format!("The box gets no new certificate: {}", failure.detail)
            }
            (German, Problem::UpdateFailed { reason, .. }) => {
                format!("Das letzte Update ist nicht gelungen: {reason}")
            }
            (English, Problem::UpdateFailed { reason, .. }) => format!("The last update failed: {reason}"),
            (German, Problem::RecoveryKeyWaits) => {
                "Der Wiederherstellungsschlüssel ist noch nicht notiert: Einrichtung oder Verwaltung zeigen ihn.".to_owned()
            }
            (English, Problem::RecoveryKeyWaits) => {
                "The recovery key has not been noted: set-up or administration show it.".to_owned()
            }
            (German, Problem::NoBackup) => {
                "Es gibt keine Sicherung: In der Verwaltung fehlt der Schlüssel dafür.".to_owned()
            }
            (English, Problem::NoBackup) => "There is no backup: administration has no key for it.".to_owned(),
            (German, Problem::BackupFailed { detail }) => format!("Die Sicherung ist fehlgeschlagen: {detail}"),
            (English, Problem::BackupFailed { detail }) => format!("The backup failed: {detail}"),
            (German, Problem::NoAddress) => {
                "Keine Netzwerkadresse: Ist das Kabel eingesteckt, gibt es DHCP?".to_owned()
            }
            (English, Problem::NoAddress) => {
                "No network address: is the cable plugged in, is there DHCP?".to_owned()
            }
        }
    }

    fn area(self, area: SettingsArea) -> &'static str {
        match area {
            SettingsArea::Network => self.of("Netzwerk", "Network"),
            SettingsArea::HostName => self.of("Name", "Name"),
            SettingsArea::Time => self.of("Zeit", "Time"),
            SettingsArea::Updates => self.of("Updates", "Updates"),
            SettingsArea::Pages => self.of("Seiten", "Pages"),
            SettingsArea::Syslog => self.of("Weitergabe der Logs", "Forwarding of the logs"),
        }
    }

    pub(super) fn keys(self) -> &'static str {
        self.of(
            "L English   N Netzwerk zurücksetzen   R Neustart   F Werkszustand",
            "L Deutsch   N Reset network   R Restart   F Factory reset",
        )
    }

    pub(super) fn question(self, order: Order) -> &'static str {
        match order {
            Order::Restart => self.of(
                "Jetzt neu starten? Laufende Konferenzen werden unterbrochen.",
                "Restart now? Running meetings are interrupted.",
            ),
            Order::ResetNetwork => self.of(
                "Netzwerk zurücksetzen? Die Box bezieht ihre Adresse dann wieder per DHCP.",
                "Reset the network? The box then takes its address by DHCP again.",
            ),
            Order::ApplySettings => self.of(
                "Die Box mit plenum.toml einrichten? Wer diese Datei gemacht hat, verwaltet sie dann.",
                "Set the box up with plenum.toml? Whoever made this file administers it then.",
            ),
            Order::ResetToFactory => self.of(
                "Alles löschen? Räume, Einstellungen und Konten sind dann unwiederbringlich fort.",
                "Delete everything? Rooms, settings and accounts are then gone for good.",
            ),
        }
    }

    pub(super) fn offered(self) -> &'static str {
        self.of(
            "Es gibt eine plenum.toml. U richtet die Box damit ein.",
            "There is a plenum.toml. U sets the box up with it.",
        )
    }

    pub(super) fn forged(self) -> &'static str {
        self.of(
            "plenum.toml trägt eine falsche Unterschrift und wird nicht verwendet.",
            "plenum.toml bears a wrong signature and is not used.",
        )
    }

    pub(super) fn broken(self) -> &'static str {
        self.of(
            "plenum.toml hat Fehler; nichts davon wird verwendet:",
            "plenum.toml has mistakes; nothing of it is used:",
        )
    }

    pub(super) fn confirm(self) -> &'static str {
        self.of("Eingabetaste: ja     Esc: nein", "Enter: yes     Esc: no")
    }

    pub(super) fn type_digits(self, digits: &str) -> String {
        match self {
            German => format!("Zum Bestätigen {digits} und die Eingabetaste drücken, Esc bricht ab:"),
            English => format!("To confirm, type {digits} and press Enter; Esc cancels:"),
        }
    }

    pub(super) fn working(self, order: Order) -> &'static str {
        match order {
            Order::Restart => self.of("Die Box startet neu …", "The box restarts …"),
            Order::ResetNetwork => {
                self.of("Das Netzwerk wird zurückgesetzt …", "The network is being reset …")
            }
            Order::ApplySettings => self.of("Die Box wird eingerichtet …", "The box is being set up …"),
            Order::ResetToFactory => {
                self.of("Die Box startet neu und löscht alles …", "The box restarts and deletes everything …")
            }
        }
    }

    pub(super) fn done(self, order: Order) -> &'static str {
        match order {
            Order::ResetNetwork => self.of("Das Netzwerk ist zurückgesetzt.", "The network has been reset."),
            Order::ApplySettings => self.of("Die Box ist eingerichtet.", "The box is set up."),
            Order::Restart | Order::ResetToFactory => self.working(order),
        }
    }

    pub(super) fn failed(self) -> &'static str {
        self.of("Das ging nicht:", "It did not work:")
    }

    pub(super) fn any_key(self) -> &'static str {
        self.of("Weiter mit einer beliebigen Taste", "Press any key to go on")
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    /// What the manual quotes in a table whose first column is what the display shows.
    fn quoted(language: &str, column: &str, marks: (char, char)) -> Vec<String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../docs/operations/{language}"));
        let (head, mut found) = (format!("\n| {column} |"), Vec::new());
        for page in std::fs::read_dir(folder).unwrap() {
            let text = std::fs::read_to_string(page.unwrap().path()).unwrap();
            let tables = text.split(head.as_str()).skip(1);
            let rows =
                tables.flat_map(|table| table.lines().skip(2).take_while(|line| line.starts_with('|')));
            for cell in rows.filter_map(|row| row.split('|').nth(1)) {
                let quotes = cell.split(marks.0).skip(1).filter_map(|rest| rest.split(marks.1).next());
                found.extend(quotes.map(str::to_owned));
            }
        }
        // The question for it is systemd's.
        found.retain(|quote| quote != "recovery key");
        found
    }

    /// Three dots stand for what is left out, as braces do here.
    #[test]
    fn the_manual_quotes_what_the_display_says() {
        let literals: Vec<Vec<&str>> = include_str!("words.rs")
            .split('"')
            .map(|literal| literal.split(['{', '}']).step_by(2).filter(|part| !part.is_empty()).collect())
            .collect();
        let said = |part: &str| {
            literals.iter().any(|literal| {
                let whole = literal.iter().any(|piece| piece.contains(part));
                whole
                    || (!literal.is_empty()
                        && literal.iter().all(|piece| piece.len() > 7 && part.contains(piece)))
            })
        };
        for (language, column, marks) in [("de", "Bildschirm", ('„', '“')), ("en", "Display", ('“', '”'))]
        {
            let quotes = quoted(language, column, marks);
            assert!(quotes.len() >= 12, "{language}: {quotes:?}");
            for quote in quotes {
                for part in quote.split('…').map(str::trim).filter(|part| !part.is_empty()) {
                    assert!(said(part), "{language}: the display does not say “{part}”");
                }
            }
        }
    }
}
