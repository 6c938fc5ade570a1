//! What a certificate says (RFC 5280).

use aws_lc_rs::digest;
use plenum_protocol::manager::CertificateInfo;
use std::net::IpAddr;
use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;

/// `None` if it is none.
pub fn info(der: &[u8]) -> Option<CertificateInfo> {
    let (_, certificate) = parse_x509_certificate(der).ok()?;
    let names = match certificate.subject_alternative_name() {
        Ok(Some(extension)) => extension.value.general_names.iter().filter_map(name).collect(),
        _ => Vec::new(),
    };
    Some(CertificateInfo {
        subject: certificate.subject().to_string(),
        issuer: certificate.issuer().to_string(),
        names,
        not_before: certificate.validity().not_before.timestamp(),
        not_after: certificate.validity().not_after.timestamp(),
        fingerprint: fingerprint(der),
    })
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => {
            let v4 = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
            v4.or_else(|_| <[u8; 16]>::try_from(*bytes).map(IpAddr::from)).ok().map(|ip| ip.to_string())
        }
        _ => None,
    }
}

/// As browsers show it.
fn fingerprint(der: &[u8]) -> String {
    let digest = digest::digest(&digest::SHA256, der);
    digest.as_ref().iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_dates_and_fingerprint() {
        let names = ["box.example".to_owned(), "192.0.2.7".to_owned()];
        let mut params = rcgen::CertificateParams::new(names).unwrap();
        params.not_before = rcgen::date_time_ymd(2026, 1, 2);
        params.not_after = rcgen::date_time_ymd(2027, 1, 2);
        let certificate = params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap();
        let info = info(certificate.der()).unwrap();
        assert_eq!(info.names, ["box.example", "192.0.2.7"]);
        assert_eq!((info.not_before, info.not_after), (1_767_312_000, 1_798_848_000));
        assert_eq!(info.fingerprint.len(), 32 * 3 - 1);
    }

    #[test]
    fn rubbish_is_no_certificate() {
        let good = rcgen::CertificateParams::new(["box.example".to_owned()]).unwrap();
        let good = good.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().der().to_vec();
        let mut random = fastrand::Rng::with_seed(3);
        for _ in 0..5_000 {
            let mut bad = good.clone();
            bad.truncate(random.usize(..bad.len()));
            for _ in 0..random.usize(1..8) {
                let length = bad.len();
                if length > 0 {
                    bad[random.usize(..length)] = random.u8(..);
                }
            }
            let _ = info(&bad); // whatever it says, it must not panic
        }
        assert_eq!(info(b""), None);
    }
}
