//! A certificate from an ACME directory (RFC 8555), got and renewed without anybody's help.
//!
//! The manager keeps what is wanted and what has come ([`crate::manager`]); [`due`] says when, [`order`] goes to the
//! directory, [`proof`] is what `web` shows it, [`failure`] finds out what kept it from us. Here they meet.

mod directory;
pub mod due;
mod failure;
mod order;
mod proof;

use crate::certificate::Probe;
use crate::manager::{AcmeAccount, Manager, Now, Refused, blocking};
use crate::sources::Proxy;
use failure::Fault;
use plenum_protocol::manager::{AcmeFailure, AcmeReason, AcmeSettings};
use proof::Proof;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// A clock that is set in between is noticed this late.
const LOOK_AGAIN: Duration = Duration::from_secs(60);
/// For a whole order.
const LIMIT: Duration = Duration::from_secs(300);
/// Until the pages show the proof: another process is told of it.
const SHOWN_WITHIN: Duration = Duration::from_secs(20);
const SHOWN_POLL: Duration = Duration::from_millis(100);

/// What a directory is to be asked for, and as whom.
#[derive(Clone)]
pub struct Order {
    pub settings: AcmeSettings,
    pub binding_key: Option<Vec<u8>>,
    pub account: Option<AcmeAccount>,
    pub name: String,
    pub proxy: Proxy,
}

/// What is next.
pub enum Step {
    /// Nobody wants a certificate from a directory, or the box has no name.
    Off,
    /// Seconds since 1970.
    At(u64),
    Now(Box<Order>),
}

/// What an order needs of the box.
trait Site {
    /// Returns when visitors see it.
    async fn show(&self, proof: Option<Proof>) -> Result<(), Fault>;
    async fn keep(&self, account: AcmeAccount) -> Result<(), Fault>;
}

/// Asks directories for the manager, until nobody can change the settings any more. `pages`: where they answer.
pub async fn keep(manager: Arc<Manager>, now: impl Clock, pages: SocketAddr) {
    let mut desired = manager.desired();
    loop {
        desired.mark_unchanged();
        let asked = Arc::clone(&manager);
        let wait = match blocking(move || asked.acme_step(now())).await {
            Ok(Step::Now(order)) => match attempt(&manager, &order, pages, now).await {
                Ok(()) => continue,
                // Not stored: the directory must not be asked again and again. The order itself has told of a change.
                Err(_) => {
                    desired.mark_unchanged();
                    LOOK_AGAIN
                }
            },
            Ok(Step::At(next)) => {
                Duration::from_secs(next.saturating_sub(now().unix_seconds())).min(LOOK_AGAIN)
            }
            Ok(Step::Off) | Err(_) => LOOK_AGAIN,
        };
        tokio::select! {
            changed = desired.changed() => if changed.is_err() { return },
            () = sleep(wait) => {}
        }
    }
}

/// Provides the time.
pub trait Clock: Fn() -> Now + Copy + Send + Sync + 'static {}
impl<F: Fn() -> Now + Copy + Send + Sync + 'static> Clock for F {}

/// An error: what became of it could not be stored.
async fn attempt(
    manager: &Arc<Manager>,
    order: &Order,
    pages: SocketAddr,
    now: impl Clock,
) -> Result<(), Refused> {
    let (asked, begun) = (Arc::clone(manager), order.clone());
    blocking(move || asked.acme_begins(&begun, now())).await?;
    log::info!(name:% = order.name; "a certificate is ordered");
    let site = Managed { manager: Arc::clone(manager), order: order.clone(), pages, now };
    let outcome = tokio::select! {
        outcome = timeout(LIMIT, order::run(order, &site)) => outcome,
        () = unwanted(manager, order) => {
            manager.acme_proof(None);
            return Ok(());
        }
    };
    manager.acme_proof(None);
    let outcome = outcome.unwrap_or_else(|_| Err(Fault::new(AcmeReason::Directory, "it took too long")));
    let (manager, order) = (Arc::clone(manager), order.clone());
    blocking(move || match outcome {
        Ok(chain) => manager.acme_took(&order, chain, now()),
        Err(Fault { reason, detail }) => {
            log::error!(name:% = order.name, detail:%; "no certificate came: {reason:?}");
            let failure = AcmeFailure { reason, name: order.name.clone(), detail, at: now().unix_seconds() };
            manager.acme_failed(&order, failure, now())
        }
    })
    .await
}

/// Returns when something else is wanted than this order.
async fn unwanted(manager: &Arc<Manager>, order: &Order) {
    let mut desired = manager.desired();
    loop {
        let (asked, placed) = (Arc::clone(manager), order.clone());
        if matches!(blocking(move || asked.acme_wants(&placed)).await, Ok(false)) {
            return;
        }
        if desired.changed().await.is_err() {
            return;
        }
    }
}

/// The manager keeps the account, and the pages show the proof.
struct Managed<C> {
    manager: Arc<Manager>,
    order: Order,
    pages: SocketAddr,
    now: C,
}

impl<C: Clock> Site for Managed<C> {
    async fn show(&self, proof: Option<Proof>) -> Result<(), Fault> {
        let silent = |error: anyhow::Error| Fault::new(AcmeReason::Box, &format!("{error:#}"));
        self.manager.acme_proof(proof.as_ref().map(|proof| proof.pem.clone()));
        let Some(Proof { name, certificate, .. }) = proof else { return Ok(()) };
        let probe = Probe::of_proof(self.pages, &name).map_err(silent)?;
        let shown = timeout(SHOWN_WITHIN, async {
            while !probe.shown().await.is_ok_and(|shown| shown == certificate) {
                sleep(SHOWN_POLL).await;
            }
        });
        shown.await.map_err(|_| Fault::new(AcmeReason::Box, "the pages do not show the proof"))
    }

    async fn keep(&self, account: AcmeAccount) -> Result<(), Fault> {
        let (manager, order, now) = (Arc::clone(&self.manager), self.order.clone(), self.now);
        let kept = blocking(move || manager.acme_account(&order, account, now())).await;
        kept.map_err(|refused| Fault::new(AcmeReason::Box, &refused.to_string()))
    }
}
