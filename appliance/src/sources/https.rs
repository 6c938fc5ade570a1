//! A directory on an HTTPS server (RFC 9110, RFC 8446): `latest.json` and the updates beside it.

use super::Proxy;
use crate::certificate;
use crate::staging::Staging;
use anyhow::{Context, Result, bail, ensure};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::HOST;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use plenum_protocol::update::{INDEX_NAME, Index, PublicKey};
use rustls::pki_types::ServerName;
use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// Without a byte for this long the server is given up.
const STALL: Duration = Duration::from_secs(30);
const MAX_INDEX: usize = 64 << 10;

#[derive(Clone)]
pub struct Client {
    connector: TlsConnector,
    proxy: Proxy,
}

impl Client {
    /// `authorities`: a PEM file beside the public authorities; empty for none. `more`: PEM, or nothing.
    pub fn new(authorities: &Path, more: &str, proxy: Proxy) -> Result<Client> {
        let mut trusted = certificate::authorities(more);
        if !authorities.as_os_str().is_empty() {
            trusted.extend(certificate::read_authorities(authorities));
        }
        let config = certificate::trusting(trusted)?;
        Ok(Client { connector: TlsConnector::from(Arc::new(config)), proxy })
    }

    async fn get(&self, url: &str) -> Result<Response<Incoming>> {
        let request = Request::get(url).header("user-agent", "plenum").body(Empty::<Bytes>::new());
        let answer = self.send(request.with_context(|| format!("{url} is no URL"))?).await?;
        match answer.status() {
            StatusCode::OK => Ok(answer),
            status => bail!("{url} answered {status}"),
        }
    }

    /// Sends a request for a whole URL, on a connection of its own.
    pub async fn send<B>(&self, mut request: Request<B>) -> Result<Response<Incoming>>
    where
        B: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
    {
        let url = request.uri().clone();
        ensure!(url.scheme_str() == Some("https"), "{url} is no https URL");
        let host = url.host().with_context(|| format!("{url} names no host"))?;
        let host = host.trim_matches(['[', ']']).to_owned();
        let port = url.port_u16().unwrap_or(443);
        let stream = self.proxy.connect(&host, port).await?;
        let name = ServerName::try_from(host.clone()).context("the host is no name and no address")?;
        let tls = timeout(STALL, self.connector.connect(name, stream)).await.context("no answer to TLS")?;
        let tls = tls.with_context(|| format!("{host} could not prove who it is"))?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(tls)).await?;
        // It ends with its one answer, or with an error that the body reports.
        tokio::spawn(connection);
        let authority = url.authority().map(|it| it.as_str()).unwrap_or_default();
        request.headers_mut().insert(HOST, authority.parse().context("the host is no header")?);
        *request.uri_mut() = url.path_and_query().map_or("/", |it| it.as_str()).parse()?;
        Ok(timeout(STALL, sender.send_request(request)).await.context("no answer")??)
    }

    /// What the directory has.
    pub async fn index(&self, source: &str, trusted: &[PublicKey], now: u64) -> Result<Index> {
        let mut answer = self.get(&join(source, INDEX_NAME)).await?;
        let mut bytes = Vec::new();
        while let Some(piece) = next(&mut answer).await? {
            bytes.extend_from_slice(&piece);
            ensure!(bytes.len() <= MAX_INDEX, "{INDEX_NAME} is too long");
        }
        Ok(Index::read(&bytes, trusted, now)?)
    }

    pub async fn fetch(
        &self,
        url: &str,
        mut staging: Staging,
        mut progress: impl FnMut((u64, u64)),
    ) -> Result<Staging> {
        let mut answer = self.get(url).await?;
        while let Some(piece) = next(&mut answer).await? {
            staging.push(&piece)?;
            progress(staging.progress());
        }
        Ok(staging)
    }
}

async fn next(answer: &mut Response<Incoming>) -> Result<Option<Bytes>> {
    loop {
        let frame = timeout(STALL, answer.frame()).await.context("the server fell silent")?;
        match frame.transpose().context("the connection broke")? {
            None => return Ok(None),
            Some(frame) => {
                if let Ok(piece) = frame.into_data() {
                    return Ok(Some(piece));
                }
            }
        }
    }
}

/// A file of a directory's URL.
pub fn join(directory: &str, name: &str) -> String {
    format!("{}/{name}", directory.trim_end_matches('/'))
}
