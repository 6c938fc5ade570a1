//! Hands a mail to a server (RFC 5321), step by step, so that a refusal names the step.

use super::Relay;
use crate::certificate;
use lettre::Message;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{
    AsyncSmtpConnection, Certificate, CertificateStore, TlsParameters, TlsParametersBuilder,
};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::Response;
use plenum_daemon::addresses;
use plenum_protocol::manager::{MailEncryption, MailOutcome};
use std::error::Error as StdError;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout, timeout_at};

/// Of the whole conversation: a page waits for it, and `web` for 20 s.
const LIMIT: Duration = Duration::from_secs(15);
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
const CLOSE_LIMIT: Duration = Duration::from_secs(1);
/// Some servers let strangers wait.
const GREETING_LIMIT: Duration = Duration::from_secs(9);
/// One of each family, as a rule.
const MAX_ADDRESSES: usize = 2;
const MAX_SAID_CHARS: usize = 300;
const MECHANISMS: [Mechanism; 2] = [Mechanism::Plain, Mechanism::Login];

/// Why a mail was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub outcome: MailOutcome,
    /// By the server, or by the way to it.
    pub said: String,
}

impl Failure {
    fn new(outcome: MailOutcome, said: impl ToString) -> Failure {
        let line = said.to_string().replace(char::is_control, " ");
        Failure { outcome, said: line.chars().take(MAX_SAID_CHARS).collect() }
    }
}

/// Whether the server lets the box in. Nothing is sent.
pub async fn try_out(relay: &Relay) -> Result<(), Failure> {
    visit(relay, None).await.map(drop)
}

/// What the server answered when it took the mail for at least one of its recipients.
pub async fn send(relay: &Relay, message: &Message) -> Result<String, Failure> {
    visit(relay, Some(message)).await
}

async fn visit(relay: &Relay, message: Option<&Message>) -> Result<String, Failure> {
    let until = Instant::now() + LIMIT;
    let mut connection = open(relay, until).await?;
    let done = match (log_in(&mut connection, relay, until).await, message) {
        (Ok(()), Some(message)) => hand_over(&mut connection, message, until).await,
        (Ok(()), None) => Ok(String::new()),
        (Err(failure), _) => Err(failure),
    };
    // It is done or not, whatever becomes of the connection.
    let _ = timeout(CLOSE_LIMIT, connection.abort()).await;
    done
}

async fn open(relay: &Relay, until: Instant) -> Result<AsyncSmtpConnection, Failure> {
    let settings = &relay.settings;
    let hello = hello(&relay.host_name);
    let tls = tls(relay).map_err(|error| Failure::new(MailOutcome::TlsFailed, error))?;
    let addresses = resolve(&settings.server, settings.port, until).await?;
    match settings.encryption {
        MailEncryption::Tls => {
            let work = AsyncSmtpConnection::connect_tokio1(
                &*addresses,
                Some(CONNECT_LIMIT),
                &hello,
                Some(tls),
                None,
            );
            step(until, MailOutcome::TlsFailed, MailOutcome::ServerFault, work).await
        }
        MailEncryption::StartTls => {
            let stream = connect(&addresses, until).await?;
            let work = AsyncSmtpConnection::connect_with_transport(Box::new(stream), &hello);
            // A server that waits for TLS from the first byte says nothing.
            let greeted = until.min(Instant::now() + GREETING_LIMIT);
            let mut connection =
                step(greeted, MailOutcome::TlsFailed, MailOutcome::ServerFault, work).await?;
            if !connection.can_starttls() {
                return Err(Failure::new(
                    MailOutcome::StartTlsMissing,
                    "STARTTLS is not among its extensions",
                ));
            }
            let work = connection.starttls(tls, &hello);
            step(until, MailOutcome::TlsFailed, MailOutcome::TlsFailed, work).await?;
            Ok(connection)
        }
    }
}

/// RFC 5321 section 4.1.4: whoever has no full name says an address.
fn hello(host_name: &str) -> ClientId {
    let own = || addresses::own().unwrap_or_default().into_iter().find(|address| !address.is_loopback());
    match own().filter(|_| !host_name.contains('.')) {
        Some(IpAddr::V4(address)) => ClientId::Ipv4(address),
        Some(IpAddr::V6(address)) => ClientId::Ipv6(address),
        None => ClientId::Domain(host_name.to_owned()),
    }
}

async fn resolve(server: &str, port: u16, until: Instant) -> Result<Vec<SocketAddr>, Failure> {
    let found = timeout_at(until, lookup_host((server, port))).await;
    let none = |why: &str| Failure::new(MailOutcome::NameNotFound, why);
    let found = found.map_err(|_| none("the DNS does not answer"))?;
    let found = found.map_err(|error| none(&error.to_string()))?;
    Some(found.take(MAX_ADDRESSES).collect::<Vec<_>>())
        .filter(|found| !found.is_empty())
        .ok_or_else(|| none("it has no address"))
}

async fn connect(addresses: &[SocketAddr], until: Instant) -> Result<TcpStream, Failure> {
    let mut last = Failure::new(MailOutcome::Unreachable, "no answer in time");
    for address in addresses {
        let limit = until.min(Instant::now() + CONNECT_LIMIT);
        match timeout_at(limit, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = Failure::new(of_way(&error), error),
            Err(_) => {}
        }
    }
    Err(last)
}

async fn log_in(connection: &mut AsyncSmtpConnection, relay: &Relay, until: Instant) -> Result<(), Failure> {
    let user = relay.settings.user.clone();
    if user.is_empty() {
        return Ok(());
    }
    let credentials = Credentials::new(user, relay.password.clone());
    let work = connection.auth(&MECHANISMS, &credentials);
    step(until, MailOutcome::ServerFault, MailOutcome::LoginRefused, work).await.map(drop)
}

async fn hand_over(
    connection: &mut AsyncSmtpConnection,
    message: &Message,
    until: Instant,
) -> Result<String, Failure> {
    use MailOutcome::{MessageRefused, RecipientRefused, SenderRefused, ServerFault};
    let envelope = message.envelope();
    let sender = Mail::new(envelope.from().cloned(), Vec::new());
    step(until, ServerFault, SenderRefused, connection.command(sender)).await?;
    let (mut taken, mut refused) = (false, None);
    for recipient in envelope.to() {
        let work = connection.command(Rcpt::new(recipient.clone(), Vec::new()));
        match step(until, ServerFault, RecipientRefused, work).await {
            Ok(_) => taken = true,
            Err(failure) if failure.outcome == RecipientRefused => refused = Some(failure),
            Err(failure) => return Err(failure),
        }
    }
    if let Some(refused) = refused.filter(|_| !taken) {
        return Err(refused);
    }
    step(until, ServerFault, MessageRefused, connection.command(Data)).await?;
    let text = message.formatted();
    let answer = step(until, ServerFault, MessageRefused, connection.message(&text)).await?;
    Ok(Failure::new(MailOutcome::Sent, said(&answer)).said)
}

/// `silent`: what no answer means, `refused`: what a refusal does.
async fn step<T>(
    until: Instant,
    silent: MailOutcome,
    refused: MailOutcome,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Failure> {
    match timeout_at(until, work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(failure(&error, silent, refused)),
        Err(_) => Err(Failure::new(silent, "no answer in time")),
    }
}

fn failure(error: &Error, silent: MailOutcome, refused: MailOutcome) -> Failure {
    let why = error.source().map_or_else(|| error.to_string(), ToString::to_string);
    if let Some(code) = error.status() {
        return Failure::new(refused, format!("{code} {why}"));
    }
    match (find::<rustls::Error>(error), find::<io::Error>(error)) {
        (Some(rustls::Error::InvalidCertificate(why)), _) => {
            Failure::new(MailOutcome::CertificateNotTrusted, why)
        }
        (Some(why), _) => Failure::new(MailOutcome::TlsFailed, why),
        (None, Some(why)) if of_way(why) != MailOutcome::ServerFault => Failure::new(of_way(why), why),
        (None, Some(why)) => Failure::new(silent, why),
        // The library itself: it knows no way to log in that the server offers, for example.
        (None, None) if error.is_client() => Failure::new(refused, why),
        (None, None) if error.is_response() => Failure::new(MailOutcome::ServerFault, why),
        (None, None) => Failure::new(silent, why),
    }
}

/// What an error of the connection is; a fault of the server if it is none of the way to it.
fn of_way(error: &io::Error) -> MailOutcome {
    match error.kind() {
        ErrorKind::ConnectionRefused => MailOutcome::ConnectionRefused,
        ErrorKind::TimedOut
        | ErrorKind::HostUnreachable
        | ErrorKind::NetworkUnreachable
        | ErrorKind::AddrNotAvailable => MailOutcome::Unreachable,
        _ => MailOutcome::ServerFault,
    }
}

/// The first error of this type behind another. An I/O error hides its inner one from `source`.
fn find<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(found) = inner.and_then(|inner| find::<E>(inner)) {
            return Some(found);
        }
        next = error.source();
    }
    None
}

fn said(answer: &Response) -> String {
    format!("{} {}", answer.code(), answer.message().collect::<Vec<_>>().join(" "))
}

fn tls(relay: &Relay) -> Result<TlsParameters, Error> {
    let builder = TlsParametersBuilder::new(relay.settings.server.clone());
    let builder = builder.certificate_store(CertificateStore::None);
    let authorities = certificate::authorities(&relay.settings.authorities);
    let builder = authorities.into_iter().try_fold(builder, |builder, authority| {
        Ok(builder.add_root_certificate(Certificate::from_der(authority.to_vec())?))
    })?;
    builder.build_rustls()
}
