//! Connections to the outside, where the institution wants it through its HTTP proxy (RFC 9110 section 9.3.6).

use anyhow::{Context, Result, ensure};
use http_body_util::Empty;
use hyper::Request;
use hyper::body::Bytes;
use hyper::header::HOST;
use hyper_util::rt::TokioIo;
use plenum_protocol::manager::NetworkSettings;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;

const LIMIT: Duration = Duration::from_secs(30);

/// Bytes both ways.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proxy {
    /// Host and port; empty: there is none.
    address: String,
    /// Hosts that are reached without it, and domains of such hosts.
    except: Vec<String>,
}

impl Proxy {
    pub fn of(settings: &NetworkSettings) -> Proxy {
        let address = settings.proxy.trim_start_matches("http://").to_owned();
        Proxy { address, except: settings.proxy_except.clone() }
    }

    pub(super) async fn connect(&self, host: &str, port: u16) -> Result<Box<dyn Stream>> {
        if !self.is_for(host) {
            return Ok(Box::new(open((host, port)).await.with_context(|| format!("{host} port {port}"))?));
        }
        let proxy = || format!("the proxy {}", self.address);
        let stream = open(self.address.as_str()).await.with_context(proxy)?;
        timeout(LIMIT, tunnel(stream, host, port))
            .await
            .context("no answer")
            .and_then(|it| it)
            .with_context(proxy)
    }

    fn is_for(&self, host: &str) -> bool {
        let host = host.to_lowercase();
        let within = |domain: &String| host.strip_suffix(domain.as_str()).is_some_and(|it| it.ends_with('.'));
        !self.address.is_empty() && !self.except.iter().any(|it| *it == host || within(it))
    }
}

async fn open(address: impl tokio::net::ToSocketAddrs) -> Result<TcpStream> {
    Ok(timeout(LIMIT, TcpStream::connect(address)).await.context("no answer")??)
}

async fn tunnel(stream: TcpStream, host: &str, port: u16) -> Result<Box<dyn Stream>> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    // It ends with the tunnel.
    tokio::spawn(connection.with_upgrades());
    let target = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    let request = Request::connect(&target).header(HOST, &target).body(Empty::<Bytes>::new())?;
    let answer = sender.send_request(request).await?;
    ensure!(answer.status().is_success(), "it refuses {target}: {}", answer.status());
    Ok(Box::new(TokioIo::new(hyper::upgrade::on(answer).await?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    fn proxy(address: &str, except: &[&str]) -> Proxy {
        let except = except.iter().map(|it| (*it).to_owned()).collect();
        Proxy::of(&NetworkSettings {
            proxy: address.to_owned(),
            proxy_except: except,
            ..NetworkSettings::default()
        })
    }

    /// Takes one tunnel, answers so, and echoes what comes after.
    async fn serve(answer: &'static [u8]) -> (String, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let served = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = vec![0; 1_000];
            let length = stream.read(&mut head).await.unwrap();
            stream.write_all(answer).await.unwrap();
            let (mut from, mut to) = stream.split();
            let _ = tokio::io::copy(&mut from, &mut to).await;
            String::from_utf8_lossy(&head[..length]).into_owned()
        });
        (address, served)
    }

    #[tokio::test]
    async fn a_tunnel_carries_both_ways() {
        let (address, served) = serve(b"HTTP/1.1 200 Connection established\r\n\r\n").await;
        let mut stream = proxy(&address, &[]).connect("updates.example.org", 443).await.unwrap();
        stream.write_all(b"hello").await.unwrap();
        let mut echo = [0; 5];
        stream.read_exact(&mut echo).await.unwrap();
        assert_eq!(&echo, b"hello");
        drop(stream);
        let head = served.await.unwrap();
        assert!(head.starts_with("CONNECT updates.example.org:443 HTTP/1.1\r\n"), "{head}");
        assert!(head.contains("host: updates.example.org:443"), "{head}");
    }

    #[tokio::test]
    async fn a_proxy_that_refuses_is_named_with_its_reason() {
        let (address, _served) = serve(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n").await;
        let Err(error) = proxy(&address, &[]).connect("2001:db8::1", 443).await else { panic!("it refuses") };
        let said = format!("{error:#}");
        assert!(said.contains(&address[7..]) && said.contains("[2001:db8::1]:443: 403 Forbidden"), "{said}");
    }

    #[test]
    fn exceptions_are_hosts_and_domains() {
        let proxy = proxy("http://proxy:3128", &["example.org", "192.0.2.7"]);
        for (host, is_for) in [
            ("example.org", false),
            ("Acme.Example.org", false),
            ("192.0.2.7", false),
            ("notexample.org", true),
            ("example.org.evil.test", true),
        ] {
            assert_eq!(proxy.is_for(host), is_for, "{host}");
        }
        assert!(!Proxy::default().is_for("example.com"));
    }
}
