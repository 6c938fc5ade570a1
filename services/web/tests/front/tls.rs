use super::house::{House, header, provider, read_to_end, roots, status};
use rustls::crypto::aws_lc_rs::kx_group;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ProtocolVersion};
use std::sync::Arc;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::process::Command;

fn config(
    house: &House,
    versions: &[&'static rustls::SupportedProtocolVersion],
    groups: &[&'static dyn rustls::crypto::SupportedKxGroup],
) -> ClientConfig {
    let mut provider = provider();
    if !groups.is_empty() {
        provider.kx_groups = groups.to_vec();
    }
    ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots(&house.settings.state_dir.join("ca.pem")))
        .with_no_client_auth()
}

#[tokio::test]
async fn en1_tls_12_is_refused_unless_switched_on() {
    let house = House::start().await;
    let error = house.connect_with(config(&house, &[&TLS12], &[])).await.unwrap_err();
    assert!(error.to_string().contains("ProtocolVersion"), "{error}");
    assert_eq!(house.metric("refused_total{reason=\"Handshake\"}"), 1);

    let house = House::start_with(|settings| settings.tls12 = true, |_| {}).await;
    let stream = house.connect_with(config(&house, &[&TLS12], &[])).await.unwrap();
    let session = stream.get_ref().1;
    assert_eq!(session.protocol_version(), Some(ProtocolVersion::TLSv1_2));
    let suite = format!("{:?}", session.negotiated_cipher_suite().unwrap().suite());
    assert!(
        suite.starts_with("TLS_ECDHE_") && (suite.contains("GCM") || suite.contains("POLY1305")),
        "{suite}"
    );
    let stream = house.connect().await;
    assert_eq!(stream.get_ref().1.protocol_version(), Some(ProtocolVersion::TLSv1_3));
}

#[tokio::test]
async fn en1_openssl_finds_no_weak_suite() {
    let house = House::start_with(|settings| settings.tls12 = true, |_| {}).await;
    let handshake = |arguments: &'static [&'static str]| {
        let address = house.address.to_string();
        async move {
            let mut command = Command::new("openssl");
            command.args(["s_client", "-brief", "-connect", &address]).args(arguments);
            let output =
                command.stdin(std::process::Stdio::null()).output().await.expect("openssl is installed");
            String::from_utf8_lossy(&output.stderr).contains("CONNECTION ESTABLISHED")
        }
    };
    assert!(handshake(&["-tls1_3"]).await);
    assert!(handshake(&["-tls1_2"]).await);
    let weak: [&[&str]; 6] = [
        &["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"],
        &["-tls1", "-cipher", "ALL:@SECLEVEL=0"],
        &["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256"],
        &["-tls1_2", "-cipher", "kRSA"],
        &["-tls1_2", "-cipher", "kDHE"],
        &["-tls1_2", "-cipher", "aNULL:eNULL:@SECLEVEL=0"],
    ];
    for arguments in weak {
        assert!(!handshake(arguments).await, "{arguments:?}");
    }
}

#[tokio::test]
async fn en2_the_hybrid_key_exchange_is_preferred() {
    let house = House::start().await;
    // As browsers do, this client sends shares of the hybrid group and of the classic one inside it.
    let stream = house.connect_with(config(&house, &[&TLS13], &[])).await.unwrap();
    let group = stream.get_ref().1.negotiated_key_exchange_group().unwrap().name();
    assert_eq!(format!("{group:?}"), "X25519MLKEM768");
    let stream = house.connect_with(config(&house, &[&TLS13], &[kx_group::SECP256R1])).await.unwrap();
    let group = stream.get_ref().1.negotiated_key_exchange_group().unwrap().name();
    assert_eq!(format!("{group:?}"), "secp256r1", "a client without it is served too");
    house.until_metric("handshakes_total{version=\"1.3\",group=\"X25519MLKEM768\"}", 1).await;
}

#[tokio::test]
async fn http_2_is_chosen_by_alpn() {
    let house = House::start().await;
    for (offered, chosen) in [
        (&["h2", "http/1.1"][..], Some("h2")),
        (&["http/1.1"], Some("http/1.1")),
        (&["stun.turn"], Some("stun.turn")),
        (&[], None),
    ] {
        let mut config = house.client_config();
        config.alpn_protocols = offered.iter().map(|name| name.as_bytes().to_vec()).collect();
        let stream = house.connect_with(config).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), chosen.map(str::as_bytes), "{offered:?}");
    }
}

#[tokio::test]
async fn en3_plain_http_is_refused_with_a_hint() {
    let house = House::start().await;
    let mut stream = TcpStream::connect(house.address).await.unwrap();
    stream.write_all(b"GET /join HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let answer = read_to_end(&mut stream).await;
    assert_eq!(status(&answer), "400");
    assert!(answer.contains("https://"), "{answer}");
    assert_eq!(header(&answer, "connection"), Some("close"));
    assert_eq!(house.metric("refused_total{reason=\"PlainHttp\"}"), 1);
    let mut stream = TcpStream::connect(house.address).await.unwrap();
    stream.write_all(b"\x00\x01\x00\x00\x21\x12\xa4\x42").await.unwrap();
    assert_eq!(read_to_end(&mut stream).await, "", "STUN without TLS is not spoken here");
}
