//! A static web server with updates, as an institution's mirror is one: HTTPS, with a certificate of its own
//! authority.

use anyhow::{Context, Result};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// This machine's loopback address, as QEMU shows it to its guests.
const HERE: &str = "10.0.2.2";

#[derive(Debug, Clone)]
pub struct Mirror {
    pub url: String,
    /// PEM of the authority.
    pub authority: String,
}

impl Mirror {
    /// Serves the files of a folder for as long as the process lives.
    pub fn serve(folder: &Path) -> Result<Mirror> {
        let (config, authority) = identity()?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
        let url = format!("https://{HERE}:{}", listener.local_addr()?.port());
        let (config, folder) = (Arc::new(config), folder.to_owned());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (config, folder) = (config.clone(), folder.clone());
                std::thread::spawn(move || {
                    // A client that goes away is its own matter.
                    let _ = answer(stream, config, &folder);
                });
            }
        });
        Ok(Mirror { url, authority })
    }
}

fn identity() -> Result<(ServerConfig, String)> {
    let mut authority = CertificateParams::new(Vec::new())?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
    let key = KeyPair::generate()?;
    let certificate = CertificateParams::new([HERE.to_owned()])?.signed_by(&key, &authority)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).map_err(anyhow::Error::msg)?,
        )?;
    Ok((config, authority.pem()))
}

fn answer(stream: TcpStream, config: Arc<ServerConfig>, folder: &Path) -> Result<()> {
    let mut stream = BufReader::new(StreamOwned::new(ServerConnection::new(config)?, stream));
    let (mut request, mut line) = (String::new(), String::new());
    while stream.read_line(&mut line)? > 2 {
        request += &line;
        line.clear();
    }
    let mut stream = stream.into_inner();
    match file(folder, &request) {
        Some((mut file, length)) => {
            write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n")?;
            std::io::copy(&mut file, &mut stream)?;
        }
        None => write!(stream, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")?,
    }
    stream.conn.send_close_notify();
    stream.flush()?;
    Ok(())
}

/// Only what lies in the folder itself.
fn file(folder: &Path, request: &str) -> Option<(File, u64)> {
    let path = request.strip_prefix("GET /")?.split(' ').next()?;
    let path: PathBuf = folder.join(Path::new(path).file_name()?);
    Some((File::open(&path).ok()?, fs::metadata(&path).ok()?.len()))
}
