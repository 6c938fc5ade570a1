//! A factory disk and a USB stick: the box sets itself up, and nobody touches it.

use crate::firmware::ESP;
use crate::{display, manual};
use anyhow::{Context, Result, bail, ensure};
use plenum_appliance::provisioning::{EXAMPLE, FILE, SIGNATURE};
use plenum_image::shell::run;
use plenum_image::tools::Tools;
use plenum_tests::machine::site::free_port;
use plenum_tests::machine::{Machine, Network, Options, lan, stick};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

const NAME: &str = "konferenz.example.org";
/// Commands of the manual by what they contain.
const MAKE_KEY: &str = "openssl genpkey";
const SIGN: &str = "openssl pkeyutl";
/// Another one than the harness gives.
const ADDRESS: &str = "198.18.9.77";
/// A router's, as the example names it.
const PUBLIC: &str = "203.0.113.10";
/// Until the address of the file answers, and until it is given up again.
const APPLIED_LIMIT: Duration = Duration::from_secs(180);

/// An authority of the institution, and what it has signed for the box.
struct Certificates {
    root: CertificateDer<'static>,
    chain: String,
    key: String,
}

pub(crate) fn sets_itself_up(options: &Options, limit: Duration) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let certificates = certificates()?;
    let text = file(&certificates);
    let disk = folder.path().join("disk.raw");
    run(Command::new("cp").arg("--sparse=always").arg(&options.image).arg(&disk))?;
    fs::write(folder.path().join(FILE), &text)?;
    for command in [MAKE_KEY, SIGN] {
        let commands = manual::commands("zero-touch", command)?;
        run(Command::new("sh").args(["-euc", &commands]).current_dir(folder.path()))?;
    }
    trust(folder.path())?;
    let stick = folder.path().join("stick.raw");
    let signature = fs::read(folder.path().join(SIGNATURE))?;
    stick::fat(&stick, &[(FILE, text.as_bytes()), (SIGNATURE, &signature)])?;
    let site = plenum_tests::machine::site::Site::new(free_port()?, options.site.host_key.clone());
    let mut machine = Machine::start(&Options {
        drives: vec![stick],
        network: Network::Lan,
        ..Options::new(disk, folder.path().join("machine"), site)
    })?;
    // The page behind the harness's own card cannot be waited for: only the file's port is in use soon.
    let end = Instant::now() + limit + APPLIED_LIMIT;
    let answer = loop {
        match session(&certificates.root) {
            Ok(answer) => break answer,
            Err(error) if Instant::now() > end => {
                let journal =
                    machine.shell()?.run("journalctl --no-pager -u 'plenum-usb*' -u plenum-appliance")?;
                bail!("{error:#}\nthe journal says:\n{journal}");
            }
            Err(_) => std::thread::sleep(Duration::from_millis(500)),
        }
    };
    ensure!(answer.contains("\"setup_open\":false"), "not set up: {answer}");
    ensure!(answer.contains("\"has_administrator\":true"), "nobody administers it: {answer}");
    display::wait(&mut machine, "the name", |shown| shown.contains(NAME))?;
    let journal = machine.shell()?.run("journalctl --no-pager --output=cat")?;
    ensure!(!journal.contains("sentence of your own"), "the journal tells the password");
    let media_server = "/proc/$(systemctl show plenum-sfu -P MainPID)/root/var/lib/plenum/media";
    let told = format!("cat {media_server}/public-addresses; stat -c %a {media_server} {media_server}/*");
    let told = machine.shell()?.run(&told)?;
    ensure!(told.trim() == format!("{PUBLIC}\n755\n644"), "the media server sees of the router: {told}");
    display::resets_the_network(&mut machine)?;
    let end = Instant::now() + APPLIED_LIMIT;
    while session(&certificates.root).is_ok() {
        ensure!(Instant::now() < end, "the address of the file still answers");
        std::thread::sleep(Duration::from_millis(500));
    }
    Ok(())
}

fn certificates() -> Result<Certificates> {
    let mut authority = CertificateParams::new(Vec::new())?;
    authority.distinguished_name.push(rcgen::DnType::CommonName, "Authority of the institution");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate()?;
    let root = authority.self_signed(&authority_key)?;
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate()?;
    let server = CertificateParams::new(vec![NAME.to_owned()])?.signed_by(&key, &issuer)?;
    let chain = format!("{}{}", server.pem(), root.pem());
    Ok(Certificates { root: root.der().clone(), chain, key: key.serialize_pem() })
}

/// The example with an address of the wire, and a certificate.
fn file(certificates: &Certificates) -> String {
    let text = EXAMPLE
        .replace("enp1s0", lan::PORT)
        .replace("192.0.2.10", ADDRESS)
        .replace("# public_addresses", "public_addresses")
        .replace("192.0.2.1\"", &format!("{}\"", lan::HERE));
    let Certificates { chain, key, .. } = certificates;
    format!("{text}\n[certificate]\nchain = '''\n{chain}'''\nkey = '''\n{key}'''\n")
}

/// What whoever prepares a fleet puts beside the image.
fn trust(folder: &Path) -> Result<()> {
    let tools = Tools::open()?.with(folder, "/image");
    run(tools.command("mmd").args(["-i", ESP, "::/plenum"]))?;
    run(tools.command("mcopy").args(["-i", ESP, "/image/fleet.keys", "::/plenum/fleet.keys"]))
}

/// What the box says of itself at its own address, to somebody who trusts the institution's authority alone.
fn session(root: &CertificateDer<'static>) -> Result<String> {
    let mut roots = RootCertStore::empty();
    roots.add(root.clone())?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect_timeout(&format!("{ADDRESS}:443").parse()?, Duration::from_secs(3))
        .context("nobody answers at the file's address")?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let client = ClientConnection::new(Arc::new(config), ServerName::try_from(NAME)?)?;
    let mut stream = StreamOwned::new(client, stream);
    write!(stream, "GET /api/box/session HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n")
        .context("the certificate is not the file's")?;
    let mut answer = String::new();
    // The end without a goodbye is an end, too.
    let _ = stream.read_to_string(&mut answer);
    ensure!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    Ok(answer)
}
