//! One order, from the account to the certificate (RFC 8555 section 7.4), with the proof of RFC 8737.

use super::directory::Directory;
use super::failure::{Doing, Fault};
use super::proof::proof;
use super::{Order, Site};
use crate::certificate::{self, Chain};
use crate::manager::AcmeAccount;
use crate::sources::https::Client;
use instant_acme::{
    Account, AccountBuilder, AuthorizationStatus, ChallengeType, Error, ExternalAccountKey, Identifier,
    NewAccount, NewOrder, OrderStatus, Problem, RetryPolicy,
};
use plenum_protocol::manager::AcmeReason;
use rustls::pki_types::CertificateSigningRequestDer;
use rustls::pki_types::pem::PemObject;
use std::path::Path;
use std::time::{Duration, SystemTime};

const RETRIES: RetryPolicy = RetryPolicy::new()
    .initial_delay(Duration::from_millis(500))
    .backoff(1.5)
    .timeout(Duration::from_secs(90));
const UNKNOWN_ACCOUNT: &str = "urn:ietf:params:acme:error:accountDoesNotExist";

type Result<T> = std::result::Result<T, Fault>;

pub(super) async fn run(order: &Order, site: &impl Site) -> Result<Chain> {
    let names = [Identifier::Dns(order.name.clone())];
    let wanted = NewOrder::new(&names);
    let placed = match restored(order, site).await? {
        Some(account) => match account.new_order(&wanted).await {
            // A directory that was set up anew.
            Err(Error::Api(problem)) if problem.r#type.as_deref() == Some(UNKNOWN_ACCOUNT) => None,
            placed => Some(placed),
        },
        None => None,
    };
    let placed = match placed {
        Some(placed) => placed,
        None => created(order, site).await?.new_order(&wanted).await,
    };
    let mut placed = placed.map_err(|error| Fault::of(Doing::Order, &error))?;
    let proven = prove(&mut placed, order, site).await;
    site.show(None).await?;
    proven?;
    certificate(&mut placed, &order.name).await
}

fn directory(order: &Order) -> Result<AccountBuilder> {
    let client = Client::new(Path::new(""), &order.settings.authorities, order.proxy.clone());
    let client = client.map_err(|error| Fault::new(AcmeReason::Untrusted, &format!("{error:#}")))?;
    Ok(Account::builder_with_http(Box::new(Directory(client))))
}

/// The account that there is, if there is one.
async fn restored(order: &Order, site: &impl Site) -> Result<Option<Account>> {
    let of = |error: Error| Fault::of(Doing::Account, &error);
    let Some(kept) = &order.account else { return Ok(None) };
    let Ok(credentials) = serde_json::from_str(&kept.credentials) else { return Ok(None) };
    let account = directory(order)?.from_credentials(credentials).await.map_err(of)?;
    if kept.contact != order.settings.contact {
        let contacts = contacts(&order.settings.contact);
        let contacts: Vec<&str> = contacts.iter().map(String::as_str).collect();
        match account.update_contacts(&contacts).await {
            Err(Error::Api(problem)) if problem.r#type.as_deref() == Some(UNKNOWN_ACCOUNT) => {
                return Ok(None);
            }
            updated => updated.map_err(of)?,
        }
        site.keep(AcmeAccount { contact: order.settings.contact.clone(), ..kept.clone() }).await?;
    }
    Ok(Some(account))
}

async fn created(order: &Order, site: &impl Site) -> Result<Account> {
    let contacts = contacts(&order.settings.contact);
    let contacts: Vec<&str> = contacts.iter().map(String::as_str).collect();
    // Whoever switches it on is told that this is to agree.
    let account =
        NewAccount { contact: &contacts, terms_of_service_agreed: true, only_return_existing: false };
    let binding = order.binding_key.as_deref();
    let binding = binding.map(|key| ExternalAccountKey::new(order.settings.binding_key_id.clone(), key));
    let made = directory(order)?.create(&account, order.settings.directory.clone(), binding.as_ref()).await;
    let (account, credentials) = made.map_err(|error| Fault::of(Doing::Account, &error))?;
    let credentials = serde_json::to_string(&credentials);
    let credentials = credentials.map_err(|error| Fault::new(AcmeReason::Directory, &error.to_string()))?;
    site.keep(AcmeAccount { credentials, contact: order.settings.contact.clone() }).await?;
    Ok(account)
}

fn contacts(mail: &str) -> Option<String> {
    (!mail.is_empty()).then(|| format!("mailto:{mail}"))
}

/// Until the order is ready.
async fn prove(placed: &mut instant_acme::Order, order: &Order, site: &impl Site) -> Result<()> {
    let of = |error: Error| Fault::of(Doing::Proof, &error);
    let mut authorizations = placed.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization.map_err(of)?;
        if authorization.status == AuthorizationStatus::Valid {
            continue;
        }
        let Some(mut challenge) = authorization.challenge(ChallengeType::TlsAlpn01) else {
            return Err(Fault::new(AcmeReason::NoTlsAlpn, "it does not offer tls-alpn-01"));
        };
        let proof = proof(&order.name, challenge.key_authorization().digest().as_ref());
        site.show(Some(proof.map_err(|error| Fault::new(AcmeReason::Name, &error.to_string()))?)).await?;
        challenge.set_ready().await.map_err(of)?;
    }
    match placed.poll_ready(&RETRIES).await {
        Ok(OrderStatus::Ready) => Ok(()),
        // The order says that it failed, its authorization says why.
        other => match refusal(placed).await {
            Some(problem) => Err(Fault::refused(Doing::Proof, &problem)),
            None => Err(other.map_or_else(of, |status| {
                Fault::new(AcmeReason::Directory, &format!("the order is {status:?}, without a reason"))
            })),
        },
    }
}

async fn refusal(placed: &mut instant_acme::Order) -> Option<Problem> {
    let mut authorizations = placed.authorizations();
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        let state = authorization.refresh().await.ok()?;
        if let Some(problem) = state.challenges.iter().find_map(|challenge| challenge.error.clone()) {
            return Some(problem);
        }
    }
    None
}

async fn certificate(placed: &mut instant_acme::Order, name: &str) -> Result<Chain> {
    let unusable = |text: String| Fault::new(AcmeReason::Certificate, &text);
    let made = certificate::request(&[name.to_owned()], "").map_err(|error| unusable(error.to_string()))?;
    let request = CertificateSigningRequestDer::from_pem_slice(made.request.as_bytes());
    let request = request.map_err(|error| unusable(error.to_string()))?;
    let of = |error: Error| Fault::of(Doing::Certificate, &error);
    placed.finalize_csr(&request).await.map_err(of)?;
    let chain = placed.poll_certificate(&RETRIES).await.map_err(of)?;
    Ok(Chain::check(&chain, &made.key, name, SystemTime::now())?)
}
