//! What stands on the display, line by line.

use super::state::{Console, Dialog, Order};
use super::words::Language;
use plenum_protocol::manager::{Display, Problem, SettingsOffer};
use qrcodegen::{QrCode, QrCodeEcc};
use std::net::IpAddr;

/// Modules of nothing around a code: ISO/IEC 18004 asks for four, and readers of telephones do with two.
const QUIET: i32 = 2;
const MARGIN: usize = 2;
/// More than this many problems would push the address off the display.
const MAX_PROBLEMS: usize = 4;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub text: String,
    pub bold: bool,
    /// A row of the QR code at its right, as bright as can be.
    pub code: String,
}

impl Line {
    fn plain(text: impl Into<String>) -> Line {
        Line { text: text.into(), bold: false, code: String::new() }
    }

    fn bold(text: impl Into<String>) -> Line {
        Line { text: text.into(), bold: true, code: String::new() }
    }
}

/// As many as the display has, none wider than it is.
pub fn lines(console: &Console, width: usize, height: usize) -> Vec<Line> {
    let language = console.language;
    let title = match &console.shown {
        Some(display) => format!("Plenum {}   {}", display.overview.version, display.overview.host_name),
        None => "Plenum".to_owned(),
    };
    let mut lines = vec![Line::plain(""), Line::bold(title), Line::plain("")];
    match &console.shown {
        None => lines.push(Line::plain(language.starting())),
        Some(display) => lines.extend(body(display, language, width)),
    }
    let foot = foot(console);
    lines.truncate(height.saturating_sub(foot.len() + 1));
    lines.resize(height.saturating_sub(foot.len() + 1), Line::plain(""));
    lines.extend(foot);
    lines.push(Line::plain(""));
    lines.truncate(height);
    for line in &mut lines {
        line.text = format!("{:MARGIN$}{}", "", line.text).chars().take(width).collect();
        let left = width.saturating_sub(line.text.chars().count());
        line.code = line.code.chars().take(left).collect();
    }
    lines
}

/// Text at the left, the address as a QR code at the right if there is room for both.
fn body(display: &Display, language: Language, width: usize) -> Vec<Line> {
    let overview = &display.overview;
    let address = address(display);
    let mut text = vec![
        Line::plain(if display.setup_code.is_some() { language.set_up() } else { language.open() }),
        Line::bold(address.clone().unwrap_or_else(|| "–".to_owned())),
    ];
    text.extend(local_address(display).map(Line::plain));
    text.push(Line::plain(""));
    if let Some(code) = &display.setup_code {
        text.extend([Line::plain(language.code()), Line::bold(code.clone()), Line::plain("")]);
    }
    if let Some(certificate) = &overview.certificate {
        text.push(Line::plain(language.fingerprint()));
        let pairs: Vec<&str> = certificate.fingerprint.split(':').collect();
        text.extend(pairs.chunks(8).map(|pairs| Line::plain(pairs.join(":"))));
        text.push(Line::plain(""));
    }
    let code = address.map(|address| qr(&address)).unwrap_or_default();
    let code_width = code.first().map_or(0, |row| row.chars().count());
    let left = text.iter().map(|line| line.text.chars().count()).max().unwrap_or(0) + 3;
    if code_width > 0 && left + code_width + MARGIN <= width {
        text.resize(text.len().max(code.len()), Line::plain(""));
        for (line, row) in text.iter_mut().zip(&code) {
            line.text = format!("{:left$}", line.text);
            line.code.clone_from(row);
        }
    }
    text.push(Line::plain(""));
    text.extend(
        display.offer.iter().flat_map(|offer| offered(offer, language, width.saturating_sub(MARGIN))),
    );
    text.extend(state(display, language));
    text
}

fn offered(offer: &SettingsOffer, language: Language, width: usize) -> Vec<Line> {
    if offer.forged {
        return vec![Line::bold(language.forged())];
    }
    if offer.findings.is_empty() {
        return vec![Line::bold(language.offered())];
    }
    let findings = offer.findings.iter().take(MAX_PROBLEMS);
    // The remedy stands at the end.
    let findings = findings.flat_map(|finding| wrapped(finding, width)).map(Line::plain);
    std::iter::once(Line::bold(language.broken())).chain(findings).collect()
}

/// In lines of this width where its words allow it, all but the first of them indented.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is one from the start");
        if line.trim().is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(format!("{:MARGIN$}{word}", ""));
        }
    }
    lines
}

fn state(display: &Display, language: Language) -> Vec<Line> {
    let overview = &display.overview;
    let mut lines = Vec::new();
    if overview.meetings.known {
        lines.push(Line::plain(language.people(overview.meetings.rooms, overview.meetings.people)));
    }
    if let Some(seconds) = overview.network.seconds_left {
        lines.push(Line::bold(language.trial(seconds)));
    }
    // The set-up shows the recovery key by itself.
    let known = |problem: &&Problem| display.setup_code.is_some() && **problem == Problem::RecoveryKeyWaits;
    let problems: Vec<&Problem> = overview.problems.iter().filter(|problem| !known(problem)).collect();
    if problems.is_empty() {
        lines.push(Line::plain(language.well()));
    }
    let shown = problems.into_iter().take(MAX_PROBLEMS);
    lines.extend(shown.map(|problem| Line::bold(format!("! {}", language.problem(problem)))));
    lines
}

/// The name that people type, once it has one; in the set-up the address, which always leads here.
fn address(display: &Display) -> Option<String> {
    let overview = &display.overview;
    let number = overview.network.addresses.iter().find(|address| !address.is_loopback());
    let path = path(display);
    if display.setup_code.is_none() && overview.host_name.contains('.') {
        return Some(format!("https://{}/", overview.host_name));
    }
    number.map(|address| match address {
        IpAddr::V4(address) => format!("https://{address}/{path}"),
        IpAddr::V6(address) => format!("https://[{address}]/{path}"),
    })
}

/// For neighbours that have no entry in the DNS.
fn local_address(display: &Display) -> Option<String> {
    let name = &display.overview.local_name;
    (!name.is_empty()).then(|| format!("https://{name}/{}", path(display)))
}

fn path(display: &Display) -> &'static str {
    if display.setup_code.is_some() { "setup" } else { "" }
}

/// Two rows of modules in one line of text. Light modules are drawn, because the display is dark.
fn qr(text: &str) -> Vec<String> {
    // It is read off a bright display from near by: the smaller, the better.
    let Ok(code) = QrCode::encode_text(text, QrCodeEcc::Low) else { return Vec::new() };
    let last = code.size() + QUIET;
    let light = |x, y| y < last && !code.get_module(x, y);
    let row = |y| {
        let cell = |x| match (light(x, y), light(x, y + 1)) {
            (true, true) => '█',
            (true, false) => '▀',
            (false, true) => '▄',
            (false, false) => ' ',
        };
        (-QUIET..last).map(cell).collect()
    };
    (-QUIET..last).step_by(2).map(row).collect()
}

/// Keys, or the question that one of them led to.
fn foot(console: &Console) -> Vec<Line> {
    let language = console.language;
    match &console.dialog {
        Dialog::Nothing => vec![Line::plain(language.keys())],
        Dialog::Confirm(order) => {
            vec![Line::bold(language.question(*order)), Line::plain(language.confirm())]
        }
        Dialog::Type { digits, typed } => vec![
            Line::bold(language.question(Order::ResetToFactory)),
            Line::plain(format!("{} {typed}_", language.type_digits(digits))),
        ],
        Dialog::Working(order) => vec![Line::bold(language.working(*order))],
        Dialog::Done(order) => vec![Line::bold(language.done(*order)), Line::plain(language.any_key())],
        Dialog::Failed { detail, .. } => {
            vec![Line::bold(format!("{} {detail}", language.failed())), Line::plain(language.any_key())]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::Key;
    use plenum_protocol::manager::{CertificateInfo, Meetings, NetworkState, Overview};

    fn console(setup: bool) -> Console {
        let overview = Overview {
            version: "1.2.3".into(),
            host_name: "konferenz.example.org".into(),
            local_name: "konferenz.local".into(),
            meetings: Meetings { rooms: 2, people: 17, known: true },
            network: NetworkState {
                addresses: vec!["127.0.0.1".parse().unwrap(), "192.168.178.123".parse().unwrap()],
                ..NetworkState::default()
            },
            certificate: Some(CertificateInfo {
                fingerprint: vec!["AB"; 32].join(":"),
                ..CertificateInfo::default()
            }),
            ..Overview::default()
        };
        let mut console = Console::new(Language::German);
        console.shown =
            Some(Display { setup_code: setup.then(|| "ABCD-EFGH".into()), offer: None, overview });
        console
    }

    fn text(console: &Console, width: usize, height: usize) -> String {
        let lines = lines(console, width, height);
        assert_eq!(lines.len(), height);
        let whole: Vec<String> = lines.into_iter().map(|line| line.text + &line.code).collect();
        assert!(whole.iter().all(|line| line.chars().count() <= width));
        whole.join("\n")
    }

    #[test]
    fn set_up_fits_on_the_smallest_display() {
        let text = text(&console(true), 80, 25);
        for expected in
            ["https://192.168.178.123/setup", "ABCD-EFGH", "Alles in Ordnung", "F Werkszustand", "█▀"]
        {
            assert!(text.contains(expected), "{expected} in\n{text}");
        }
        assert_eq!(text.matches("AB:AB:AB:AB:AB:AB:AB:AB").count(), 4, "{text}");
    }

    #[test]
    fn a_box_that_is_set_up_shows_its_name_and_no_code() {
        let text = text(&console(false), 80, 25);
        assert!(text.contains("https://konferenz.example.org/") && !text.contains("ABCD"), "{text}");
        assert!(text.contains("Es laufen 2 Konferenzen, Personen: 17"), "{text}");
    }

    #[test]
    fn problems_and_questions_are_shown() {
        let mut console = console(false);
        let problems = &mut console.shown.as_mut().unwrap().overview.problems;
        problems.push(Problem::CertificateExpires { days: -1 });
        assert!(text(&console, 80, 25).contains("! Das Zertifikat ist abgelaufen."));
        console.press(Key::Char('f'), 1_234);
        assert!(text(&console, 100, 30).contains("1234 und die Eingabetaste"));
        console.ended(Order::Restart, Err("polkit refused".into()));
        assert!(text(&console, 80, 25).contains("Das ging nicht: polkit refused"));
    }

    #[test]
    fn a_file_on_a_stick_is_shown_with_what_is_wrong() {
        let mut console = console(true);
        let offer = |findings: &[&str]| {
            let findings = findings.iter().map(|text| (*text).to_owned()).collect();
            Some(SettingsOffer { findings, forged: false })
        };
        console.shown.as_mut().unwrap().offer = offer(&["line 7, network.vlan: too large"]);
        assert!(text(&console, 100, 40).contains("line 7, network.vlan: too large"));
        console.shown.as_mut().unwrap().offer =
            offer(&[&format!("line 7, {}: write this", "long ".repeat(20))]);
        assert!(text(&console, 80, 40).contains("write this"), "the remedy fits, too");
        assert_eq!(console.press(Key::Char('u'), 0), None);
        assert_eq!(console.dialog, Dialog::Nothing);
        console.shown.as_mut().unwrap().offer = offer(&[]);
        assert!(text(&console, 100, 40).contains("U richtet die Box damit ein"));
        console.press(Key::Char('u'), 0);
        assert_eq!(console.press(Key::Enter, 0), Some(Order::ApplySettings));
    }

    #[test]
    fn without_an_answer_and_without_room_it_does_not_fail() {
        assert!(text(&Console::new(Language::English), 80, 24).contains("The box is starting"));
        for (width, height) in [(0, 0), (1, 1), (20, 3), (40, 60)] {
            text(&console(true), width, height);
        }
    }

    /// A module is where it belongs: read back from the drawing.
    #[test]
    fn the_code_is_the_address() {
        let drawn = qr("https://192.168.178.123/setup");
        let code = QrCode::encode_text("https://192.168.178.123/setup", QrCodeEcc::Low).unwrap();
        let light = |x: i32, y: i32| {
            let char = drawn[((y + QUIET) / 2) as usize].chars().nth((x + QUIET) as usize).unwrap();
            if (y + QUIET) % 2 == 0 { matches!(char, '█' | '▀') } else { matches!(char, '█' | '▄') }
        };
        for y in -QUIET..code.size() + QUIET {
            for x in -QUIET..code.size() + QUIET {
                assert_eq!(light(x, y), !code.get_module(x, y), "{x} {y}");
            }
        }
    }
}
