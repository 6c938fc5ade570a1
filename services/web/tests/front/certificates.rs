use super::house::{House, PATIENCE, header, status};
use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A self-signed certificate and its key as an operator would place them, valid from now for some days.
fn place(certificate: &Path, key: &Path, days: i64) {
    let mut params = rcgen::CertificateParams::new(["localhost".to_owned()]).unwrap();
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    let hours = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs() as i64 / 3_600 + 24 * days;
    params.not_after = rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(3_600 * hours as u64);
    let pair = rcgen::KeyPair::generate().unwrap();
    std::fs::write(certificate, params.self_signed(&pair).unwrap().pem()).unwrap();
    std::fs::write(key, pair.serialize_pem()).unwrap();
}

async fn placed() -> House {
    House::start_with(
        |settings| {
            std::fs::create_dir(&settings.state_dir).unwrap();
            settings.certificate = settings.state_dir.join("operator.pem");
            settings.key = settings.state_dir.join("operator.key");
            place(&settings.certificate, &settings.key, 90);
        },
        |_| {},
    )
    .await
}

/// A client that looks at the certificate and does not verify it.
fn looking() -> ClientConfig {
    let provider = Arc::new(super::house::provider());
    ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(any::Any(provider)))
        .with_no_client_auth()
}

/// What a new connection is shown.
async fn shown(house: &House) -> CertificateDer<'static> {
    let stream = house.connect_with(looking()).await.unwrap();
    stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned()
}

fn in_file(house: &House) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(&house.settings.certificate).unwrap()
}

/// What a connection to another name than `localhost` is shown.
async fn shown_to_others(house: &House) -> CertificateDer<'static> {
    let stream = house.connect_as("box.example", looking()).await.unwrap();
    stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned()
}

/// The health check comes as `localhost`, and trusts the box's own authority alone.
#[tokio::test]
async fn the_managers_certificate_comes_and_goes_and_localhost_keeps_the_boxs_own() {
    let house = House::start_with(
        |settings| {
            settings.manager_dir = settings.state_dir.join("manager");
            std::fs::create_dir_all(&settings.manager_dir).unwrap();
        },
        |_| {},
    )
    .await;
    let own = shown(&house).await;
    assert_eq!(shown_to_others(&house).await, own);
    let folder = &house.settings.manager_dir;
    let (certificate, key) = (folder.join("1.pem"), folder.join("2.pem"));
    place(&certificate, &key, 90);
    let both = std::fs::read_to_string(&key).unwrap() + &std::fs::read_to_string(&certificate).unwrap();
    std::fs::write(folder.join("server.new"), both).unwrap();
    std::fs::rename(folder.join("server.new"), folder.join("server.pem")).unwrap();
    house.until_metric("certificate_loads_total{result=\"Taken\"}", 1).await;
    assert_eq!(shown_to_others(&house).await, CertificateDer::from_pem_file(&certificate).unwrap());
    assert_eq!(shown(&house).await, own);
    std::fs::remove_file(folder.join("server.pem")).unwrap();
    house.until_metric("certificate_loads_total{result=\"Taken\"}", 2).await;
    assert_eq!(shown_to_others(&house).await, own);
    // A name that the box is given comes into its own certificate.
    std::fs::write(folder.join("names"), "box.example\n").unwrap();
    house.until_metric("certificate_loads_total{result=\"Taken\"}", 3).await;
    assert_ne!(shown(&house).await, own);
}

async fn ask_on(client: &mut super::house::Client) -> String {
    client.write_all(b"GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"address.\n") {
        let reading = client.read_buf(&mut answer);
        assert!(tokio::time::timeout(PATIENCE, reading).await.unwrap().unwrap() > 0);
    }
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn a_replaced_certificate_is_shown_to_new_connections_and_old_ones_go_on() {
    let house = placed().await;
    let mut old = house.connect_with(looking()).await.unwrap();
    assert_eq!(status(&ask_on(&mut old).await), "404");
    let first = in_file(&house);
    assert_eq!(shown(&house).await, first);

    place(&house.settings.certificate, &house.settings.key, 80);
    house.until_metric("certificate_loads_total{result=\"Taken\"}", 1).await;
    assert_ne!(in_file(&house), first);
    assert_eq!(shown(&house).await, in_file(&house));
    let answer = ask_on(&mut old).await;
    assert_eq!((status(&answer), header(&answer, "connection")), ("404", None));
}

#[tokio::test]
async fn a_broken_replacement_is_refused() {
    let house = placed().await;
    let (certificate, key) = (&house.settings.certificate, &house.settings.key);
    let good = in_file(&house);
    let damages: [&dyn Fn(); 5] = [
        &|| std::fs::write(certificate, "-----BEGIN CERTIFICATE-----\nrubbish").unwrap(),
        &|| std::fs::write(certificate, "").unwrap(),
        &|| std::fs::remove_file(certificate).unwrap(),
        &|| place(certificate, &house.path("other.key"), 90), // does not belong to the key
        &|| place(certificate, key, -1),                      // has expired
    ];
    for (index, damage) in (1..).zip(damages) {
        damage();
        house.until_metric("certificate_loads_total{result=\"Refused\"}", index).await;
        assert_eq!(shown(&house).await, good, "damage {index}");
    }
    assert_eq!(house.metric("certificate_loads_total{result=\"Taken\"}"), 0);
}

#[tokio::test]
async fn a_reload_asked_for_is_done_at_once() {
    let house = placed().await;
    house.reload.send_modify(|count| *count += 1);
    house.until_metric("certificate_loads_total{result=\"Taken\"}", 1).await;
}

/// RFC 8737: only while there is a proof, only to who offers nothing else, and nothing is served on top of it.
#[tokio::test]
async fn an_acme_directory_gets_the_proof_and_nothing_else() {
    let house = House::start_with(
        |settings| {
            settings.manager_dir = settings.state_dir.join("manager");
            std::fs::create_dir_all(&settings.manager_dir).unwrap();
        },
        |_| {},
    )
    .await;
    let offering = |protocols: &[&str]| {
        let mut config = looking();
        config.alpn_protocols = protocols.iter().map(|it| it.as_bytes().to_vec()).collect();
        config
    };
    let directory = || offering(&["acme-tls/1"]);
    assert!(house.connect_as("box.example", directory()).await.is_err(), "there is no proof");
    let mut params = rcgen::CertificateParams::new(["box.example".to_owned()]).unwrap();
    params.custom_extensions = vec![rcgen::CustomExtension::new_acme_identifier(&[7; 32])];
    let key = rcgen::KeyPair::generate().unwrap();
    let proof = params.self_signed(&key).unwrap();
    let file = house.settings.manager_dir.join("acme-tls.pem");
    std::fs::write(&file, key.serialize_pem() + &proof.pem()).unwrap();
    let mut client = house.connect_as("box.example", directory()).await.unwrap();
    let session = client.get_ref().1;
    assert_eq!(session.alpn_protocol(), Some(&b"acme-tls/1"[..]));
    assert_eq!(session.peer_certificates().unwrap()[0], *proof.der());
    let _ = client.write_all(b"GET / HTTP/1.1\r\nHost: box.example\r\n\r\n").await;
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(PATIENCE, client.read_to_end(&mut answer)).await.unwrap();
    assert!(answer.is_empty(), "{}", String::from_utf8_lossy(&answer));
    for protocols in [&["acme-tls/1", "http/1.1"][..], &["h2", "acme-tls/1"], &[]] {
        let client = house.connect_as("box.example", offering(protocols)).await.unwrap();
        let session = client.get_ref().1;
        assert_ne!(session.alpn_protocol(), Some(&b"acme-tls/1"[..]));
        assert_ne!(session.peer_certificates().unwrap()[0], *proof.der(), "{protocols:?}");
    }
    std::fs::remove_file(file).unwrap();
    assert!(house.connect_as("box.example", directory()).await.is_err());
}

/// Accepts every certificate: these tests compare them.
mod any {
    use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
    use rustls::crypto::{CryptoProvider, verify_tls12_signature};
    use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
    use rustls::{DigitallySignedStruct, Error, SignatureScheme};
    use std::sync::Arc;

    #[derive(Debug)]
    pub(super) struct Any(pub(super) Arc<CryptoProvider>);

    impl ServerCertVerifier for Any {
        fn verify_server_cert(
            &self,
            _: &CertificateDer<'_>,
            _: &[CertificateDer<'_>],
            _: &ServerName<'_>,
            _: &[u8],
            _: UnixTime,
        ) -> Result<ServerCertVerified, Error> {
            Ok(ServerCertVerified::assertion())
        }

        fn verify_tls12_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signed: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
        }

        fn verify_tls13_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            // A proof for an ACME directory has a critical extension, which webpki does not take.
            Ok(HandshakeSignatureValid::assertion())
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            self.0.signature_verification_algorithms.supported_schemes()
        }
    }
}
