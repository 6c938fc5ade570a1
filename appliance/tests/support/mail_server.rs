//! A mail server on loopback that answers by a script.

use plenum_protocol::manager::MailEncryption;
use rcgen::{CertificateParams, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// What the server does differently from one that takes everything: the beginning of a command, and the answer.
pub(crate) type Script = &'static [(&'static str, &'static str)];

pub(crate) struct Server {
    pub(crate) port: u16,
    /// PEM; its name is `localhost`.
    pub(crate) authority: String,
    /// Everything that clients have said, on encrypted connections and before.
    heard: Arc<Mutex<String>>,
}

impl Server {
    pub(crate) async fn start(encryption: MailEncryption, script: Script) -> Server {
        let key = KeyPair::generate().unwrap();
        let made = CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.der().clone()], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::new(Mutex::new(String::new()));
        let kept = Arc::clone(&heard);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (acceptor, heard) = (acceptor.clone(), Arc::clone(&kept));
                tokio::spawn(async move {
                    if encryption == MailEncryption::Tls {
                        let Ok(stream) = acceptor.accept(stream).await else { return };
                        talk(stream, script, &heard, true).await;
                    } else if let Some(stream) = talk(stream, script, &heard, true).await {
                        let Ok(stream) = acceptor.accept(stream).await else { return };
                        talk(stream, script, &heard, false).await;
                    }
                });
            }
        });
        Server { port, authority: made.pem(), heard }
    }

    pub(crate) fn heard(&self) -> String {
        self.heard.lock().unwrap().clone()
    }
}

/// Until the client ends it; the stream again when it is to be encrypted now.
async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    script: Script,
    heard: &Mutex<String>,
    greet: bool,
) -> Option<S> {
    let mut stream = BufReader::new(stream);
    if greet {
        let greeting = script.iter().find(|(at, _)| at.is_empty()).map_or("220 hello", |(_, say)| *say);
        stream.write_all(format!("{greeting}\r\n").as_bytes()).await.ok()?;
    }
    let mut in_mail = false;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        heard.lock().unwrap().push_str(&line);
        let line = line.trim_end();
        let usual = match line.split(' ').next().unwrap_or_default() {
            _ if in_mail && line != "." => continue,
            "EHLO" => "250-localhost\r\n250-STARTTLS\r\n250 AUTH PLAIN LOGIN",
            "DATA" => "354 go on",
            "." => "250 2.0.0 queued as 4711",
            "QUIT" => "221 bye",
            _ => "250 fine",
        };
        let say =
            script.iter().find(|(at, _)| !at.is_empty() && line.starts_with(at)).map_or(usual, |it| it.1);
        in_mail = say.starts_with("354");
        stream.write_all(format!("{say}\r\n").as_bytes()).await.ok()?;
        if line == "STARTTLS" && say == usual {
            return Some(stream.into_inner());
        }
    }
}
