//! Why there is no certificate, from what the directory and the way to it said (RFC 8555 section 6.7).

use crate::certificate;
use instant_acme::{Error, Problem};
use plenum_protocol::manager::AcmeReason;
use std::error::Error as StdError;
use std::io;

/// Of what a directory says; the rest helps nobody.
const MAX_DETAIL_CHARS: usize = 300;
const URN: &str = "urn:ietf:params:acme:error:";

/// What was being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doing {
    /// The directory's addresses are read, and the account is made.
    Account,
    Order,
    /// The directory looks at the box.
    Proof,
    Certificate,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) reason: AcmeReason,
    pub(super) detail: String,
}

impl Fault {
    pub(super) fn new(reason: AcmeReason, detail: &str) -> Fault {
        Fault { reason, detail: plain(detail) }
    }

    pub(super) fn of(doing: Doing, error: &Error) -> Fault {
        match error {
            Error::Api(problem) => Fault::refused(doing, problem),
            Error::Json(error) if doing == Doing::Account => {
                Fault::new(AcmeReason::NoDirectory, &error.to_string())
            }
            Error::Http(_) | Error::InvalidUri(_) => Fault::new(AcmeReason::NoDirectory, &error.to_string()),
            Error::Other(error) => Fault::on_the_way(error.as_ref()),
            error => Fault::new(AcmeReason::Directory, &error.to_string()),
        }
    }

    pub(super) fn refused(doing: Doing, problem: &Problem) -> Fault {
        let details = problem.subproblems.iter().filter_map(|it| it.detail.as_deref());
        let details: Vec<&str> = problem.detail.as_deref().into_iter().chain(details).collect();
        let kind = problem.r#type.as_deref().unwrap_or_default();
        let detail = if details.is_empty() { kind.to_owned() } else { details.join("; ") };
        Fault::new(reason(doing, kind.strip_prefix(URN).unwrap_or_default()), &detail)
    }

    fn on_the_way(error: &(dyn StdError + Send + Sync + 'static)) -> Fault {
        let mut text = error.to_string();
        let mut untrusted = is_untrusted(error);
        let mut next = error.source();
        while let Some(error) = next {
            untrusted |= is_untrusted(error);
            text += &format!(": {error}");
            next = error.source();
        }
        let reason = if untrusted { AcmeReason::Untrusted } else { AcmeReason::Unreachable };
        Fault::new(reason, &text)
    }
}

impl From<certificate::Fault> for Fault {
    fn from(fault: certificate::Fault) -> Fault {
        Fault::new(AcmeReason::Certificate, &fault.to_string())
    }
}

fn reason(doing: Doing, kind: &str) -> AcmeReason {
    match kind {
        "externalAccountRequired" => AcmeReason::BindingNeeded,
        "rateLimited" => AcmeReason::RateLimited,
        "rejectedIdentifier" | "unsupportedIdentifier" => AcmeReason::Name,
        "dns" => AcmeReason::Dns,
        "caa" => AcmeReason::Caa,
        "connection" => AcmeReason::Connection,
        "tls" | "incorrectResponse" => AcmeReason::OtherServer,
        "unauthorized" if doing == Doing::Proof => AcmeReason::OtherServer,
        // An account that was closed.
        "unauthorized" if doing == Doing::Order => AcmeReason::Account,
        "serverInternal" => AcmeReason::Directory,
        "accountDoesNotExist" | "invalidContact" | "unsupportedContact" | "userActionRequired" => {
            AcmeReason::Account
        }
        _ if doing == Doing::Account => AcmeReason::Account,
        _ => AcmeReason::Directory,
    }
}

/// Whether the other side showed a certificate that is not believed.
fn is_untrusted(error: &(dyn StdError + 'static)) -> bool {
    let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    let tls = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>());
    matches!(tls, Some(rustls::Error::InvalidCertificate(_)))
}

/// One line, for people: a directory may answer whatever it likes.
fn plain(text: &str) -> String {
    let words =
        text.split(|char: char| char.is_whitespace() || char.is_control()).filter(|it| !it.is_empty());
    let line = words.collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MAX_DETAIL_CHARS) {
        Some((end, _)) => format!("{} …", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(json: &str) -> Problem {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn what_a_directory_says_is_told_by_its_remedy() {
        let of = |doing, kind: &str| {
            let json = format!(r#"{{ "type": "urn:ietf:params:acme:error:{kind}", "detail": "so it is" }}"#);
            let fault = Fault::refused(doing, &problem(&json));
            assert_eq!(fault.detail, "so it is");
            fault.reason
        };
        assert_eq!(of(Doing::Proof, "connection"), AcmeReason::Connection);
        assert_eq!(of(Doing::Proof, "dns"), AcmeReason::Dns);
        assert_eq!(of(Doing::Proof, "unauthorized"), AcmeReason::OtherServer);
        assert_eq!(of(Doing::Account, "unauthorized"), AcmeReason::Account);
        assert_eq!(of(Doing::Account, "externalAccountRequired"), AcmeReason::BindingNeeded);
        assert_eq!(of(Doing::Order, "unauthorized"), AcmeReason::Account);
        assert_eq!(of(Doing::Order, "rejectedIdentifier"), AcmeReason::Name);
        assert_eq!(of(Doing::Order, "rateLimited"), AcmeReason::RateLimited);
        assert_eq!(of(Doing::Certificate, "badCSR"), AcmeReason::Directory);
        assert_eq!(of(Doing::Proof, "somethingOfTheirOwn"), AcmeReason::Directory);
    }

    #[test]
    fn words_of_others_are_one_short_line() {
        let long = "x\u{1b}[31m\n\ty\u{0} ".repeat(500);
        let detail = Fault::new(AcmeReason::Directory, &long).detail;
        assert!(detail.chars().count() <= MAX_DETAIL_CHARS + 2 && !detail.contains(char::is_control));
        let silent = Fault::refused(Doing::Order, &problem(r#"{ "type": "about:blank" }"#));
        assert_eq!(silent.detail, "about:blank");
        let many = r#"{ "detail": "two", "subproblems": [{ "detail": "one" }, { "detail": "other" }] }"#;
        assert_eq!(Fault::refused(Doing::Order, &problem(many)).detail, "two; one; other");
    }

    #[test]
    fn an_unknown_authority_is_told_apart_from_silence() {
        let unknown = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let error = anyhow::Error::from(io::Error::other(unknown)).context("acme.example could not prove it");
        let fault = Fault::of(Doing::Account, &Error::Other(error.into_boxed_dyn_error()));
        assert_eq!(fault.reason, AcmeReason::Untrusted);
        assert!(fault.detail.contains("UnknownIssuer"), "{}", fault.detail);
        let error = io::Error::from(io::ErrorKind::ConnectionRefused);
        let fault = Fault::of(Doing::Account, &Error::Other(Box::new(error)));
        assert_eq!(fault.reason, AcmeReason::Unreachable);
    }
}
