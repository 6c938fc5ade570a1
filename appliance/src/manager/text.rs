//! What a person may type into a field.

use super::Refused;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::net::IpAddr;

const MAX_URL_CHARS: usize = 500;
/// RFC 1035 section 2.3.4.
const MAX_NAME_CHARS: usize = 253;
const MAX_MAIL_CHARS: usize = 120;
const MAX_LABEL_CHARS: usize = 63;
/// A record has 4 KB.
pub(super) const MAX_AUTHORITIES_BYTES: usize = 3_000;

/// One line of text, trimmed.
pub(super) fn line(field: &str, text: &mut String, most: usize) -> Result<(), Refused> {
    *text = text.trim().to_owned();
    match () {
        () if text.chars().count() > most => {
            Err(Refused::malformed(field, format!("it has more than {most} characters")))
        }
        () if text.chars().any(char::is_control) => {
            Err(Refused::malformed(field, "it has control characters or line breaks"))
        }
        () => Ok(()),
    }
}

/// Of a page that people are led to. Never `javascript:` and the like.
pub(super) fn address(field: &str, text: &mut String) -> Result<(), Refused> {
    line(field, text, MAX_URL_CHARS)?;
    let host =
        text.strip_prefix("https://").map(|rest| rest.split(['/', '?', '#']).next().unwrap_or_default());
    let good = |host: &str| {
        !host.is_empty() && !host.contains(|char: char| char.is_whitespace() || "\"'<>\\@".contains(char))
    };
    match text.is_empty() || host.is_some_and(good) {
        true => Ok(()),
        false => Err(Refused::malformed(field, "an address begins with https:// and names a host")),
    }
}

/// `#rrggbb`, in lower case, or nothing.
pub(super) fn colour(field: &str, text: &mut String) -> Result<(), Refused> {
    *text = text.trim().to_lowercase();
    let digits = text.strip_prefix('#');
    let good = digits.is_some_and(|it| it.len() == 6 && it.bytes().all(|byte| byte.is_ascii_hexdigit()));
    match text.is_empty() || good {
        true => Ok(()),
        false => Err(Refused::malformed(field, "a colour is written as in #0a626c")),
    }
}

/// A name of the DNS (RFC 1123 section 2.1), in lower case and without a dot at the end.
pub(super) fn host_name(field: &str, text: &mut String) -> Result<(), Refused> {
    line(field, text, MAX_NAME_CHARS + 1)?;
    *text = text.trim_end_matches('.').to_lowercase();
    let label = |label: &str| {
        (1..=MAX_LABEL_CHARS).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    // A last label of digits makes it an address (RFC 1123 section 2.1).
    let top_is_number =
        text.rsplit('.').next().is_some_and(|top| top.bytes().all(|byte| byte.is_ascii_digit()));
    match text.len() <= MAX_NAME_CHARS && text.split('.').all(label) && !top_is_number {
        true => Ok(()),
        false => Err(Refused::malformed(
            field,
            "a host name has letters, digits and hyphens between its dots, as in konferenz.example.org",
        )),
    }
}

/// A host name or an address.
pub(super) fn host(field: &str, text: &mut String) -> Result<(), Refused> {
    *text = text.trim().to_owned();
    match text.parse::<IpAddr>() {
        Ok(_) => Ok(()),
        Err(_) => host_name(field, text),
    }
}

/// `http://HOST:PORT`, or nothing.
pub(super) fn proxy(field: &str, text: &mut String) -> Result<(), Refused> {
    line(field, text, MAX_URL_CHARS)?;
    if text.is_empty() {
        return Ok(());
    }
    let rest = text.strip_prefix("http://").map(|rest| rest.trim_end_matches('/'));
    let (name, port) = rest.and_then(|rest| rest.rsplit_once(':')).unwrap_or_default();
    let mut name = name.trim_matches(['[', ']']).to_owned();
    let good = host(field, &mut name).is_ok() && port.parse::<u16>().is_ok_and(|port| port > 0);
    if !good {
        let detail = "a proxy is written as in http://proxy.example.org:3128, without a name and a password";
        return Err(Refused::malformed(field, detail));
    }
    *text =
        if name.contains(':') { format!("http://[{name}]:{port}") } else { format!("http://{name}:{port}") };
    Ok(())
}

pub(super) fn port(field: &str, port: u16) -> Result<(), Refused> {
    match port {
        0 => Err(Refused::malformed(field, "a port has a number from 1 to 65535")),
        _ => Ok(()),
    }
}

/// Certificates in PEM, or nothing.
pub(super) fn authorities(field: &str, text: &mut String, most: usize) -> Result<(), Refused> {
    *text = text.trim().to_owned();
    let certificates = CertificateDer::pem_slice_iter(text.as_bytes());
    let count = certificates.filter(Result::is_ok).count();
    match text.len() {
        0 => Ok(()),
        length if length > most => {
            Err(Refused::malformed(field, format!("it has more than {most} characters")))
        }
        _ if count == 0 => Err(Refused::malformed(field, "there is no certificate in PEM")),
        _ => Ok(()),
    }
}

/// An address of mail (RFC 5321 section 4.1.2), in the letters that every server takes.
pub(super) fn mail_address(field: &str, text: &mut String) -> Result<(), Refused> {
    line(field, text, MAX_MAIL_CHARS)?;
    match text.is_ascii() && text.parse::<lettre::Address>().is_ok() {
        true => Ok(()),
        false => Err(Refused::malformed(field, "an address looks like plenum@example.org")),
    }
}

/// Not more than `most`, without empty ones, each once.
pub(super) fn list<T: PartialEq>(field: &str, items: &mut Vec<T>, most: usize) -> Result<(), Refused> {
    let mut unique: Vec<T> = Vec::new();
    for item in items.drain(..) {
        if !unique.contains(&item) {
            unique.push(item);
        }
    }
    *items = unique;
    match items.len() <= most {
        true => Ok(()),
        false => Err(Refused::malformed(field, format!("there are more than {most}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies() {
        for (typed, kept) in [
            ("", ""),
            (" http://Proxy.example.org:3128/ ", "http://proxy.example.org:3128"),
            ("http://192.0.2.1:80", "http://192.0.2.1:80"),
            ("http://[2001:db8::1]:8080", "http://[2001:db8::1]:8080"),
        ] {
            let mut text = typed.to_owned();
            assert_eq!((proxy("proxy", &mut text), text.as_str()), (Ok(()), kept), "{typed}");
        }
        for bad in [
            "proxy:3128",
            "https://proxy:3128",
            "http://proxy",
            "http://me:secret@proxy:3128",
            "http://proxy:0",
        ] {
            assert!(proxy("proxy", &mut bad.to_owned()).is_err(), "{bad}");
        }
    }

    #[test]
    fn addresses() {
        for good in ["", "https://example.org", " https://example.org/impressum?x=1#y "] {
            assert_eq!(address("imprint", &mut good.to_owned()), Ok(()), "{good}");
        }
        for bad in [
            "http://example.org",
            "javascript:alert(1)",
            "https://",
            "https:///x",
            "https://a b/",
            "https://x@y",
        ] {
            assert!(address("imprint", &mut bad.to_owned()).is_err(), "{bad}");
        }
    }

    #[test]
    fn colours() {
        for (typed, kept) in [("", ""), (" #FFCC00 ", "#ffcc00"), ("#000000", "#000000")] {
            let mut text = typed.to_owned();
            assert_eq!(colour("colour", &mut text), Ok(()), "{typed}");
            assert_eq!(text, kept);
        }
        for bad in ["yellow", "ffcc00", "#fc0", "#ffcc0g", "#ffcc00ff", "#ffcc0é", "url(#ffcc00)"] {
            assert!(colour("colour", &mut bad.to_owned()).is_err(), "{bad}");
        }
    }

    #[test]
    fn host_names() {
        for (typed, kept) in [
            ("Konferenz.Example.ORG.", "konferenz.example.org"),
            (" plenum ", "plenum"),
            ("xn--bro-hoa.example", "xn--bro-hoa.example"),
            ("3com.example", "3com.example"),
        ] {
            let mut text = typed.to_owned();
            assert_eq!(host_name("name", &mut text), Ok(()), "{typed}");
            assert_eq!(text, kept);
        }
        let long = format!("{}.example", "a".repeat(64));
        for bad in ["", "a..b", "-a.example", "a-.example", "büro.example", "a b", "192.0.2.1", "a_b", &long]
        {
            assert!(host_name("name", &mut bad.to_owned()).is_err(), "{bad}");
        }
        assert_eq!(host("servers", &mut " 192.0.2.1".to_owned()), Ok(()));
        assert_eq!(host("servers", &mut "2001:db8::1".to_owned()), Ok(()));
        assert!(host("servers", &mut "192.0.2.256".to_owned()).is_err());
    }

    #[test]
    fn mail_addresses() {
        assert_eq!(mail_address("sender", &mut " plenum@example.org ".to_owned()), Ok(()));
        for bad in [
            "",
            "plenum",
            "a@",
            "a b@example.org",
            "a@example.org\r\nRCPT TO:<b@x>",
            "ä@example.org",
            "<a@b>",
        ] {
            assert!(mail_address("sender", &mut bad.to_owned()).is_err(), "{bad}");
        }
    }

    #[test]
    fn lists_name_each_once() {
        let mut items = vec![1, 2, 1];
        assert_eq!(list("x", &mut items, 2), Ok(()));
        assert_eq!(items, [1, 2]);
        assert!(list("x", &mut vec![1, 2, 3], 2).is_err());
    }
}
