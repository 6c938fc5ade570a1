//! The interface `org.plenum.Appliance1`, as [`plenum_protocol::appliance`] describes it for callers.

use crate::sources::{Proxy, Source};
use crate::status::Status;
use plenum_protocol::appliance::{BUS_NAME, OBJECT_PATH};
use plenum_protocol::manager::UpdateSource;
use std::fs::File;
use std::os::fd::OwnedFd;
use tokio::sync::{mpsc, oneshot, watch};
use zbus::OwnedFd as BusFd;
use zbus::object_server::SignalEmitter;
use zbus::{Connection, fdo};

/// What callers ask for; each is answered when it was taken in, or refused with the reason.
pub enum Request {
    Check {
        /// And not only in the directory.
        sticks: bool,
    },
    /// `None`: what is available.
    Install(Option<Source>),
    Offer(File),
    Cancel,
    Restart {
        now: bool,
    },
    Rollback {
        now: bool,
    },
    /// Not from the bus: what an administrator has chosen.
    Configure(UpdateSource, Proxy),
}

pub type Asked = (Request, oneshot::Sender<Result<(), String>>);

pub struct Interface {
    requests: mpsc::Sender<Asked>,
    status: watch::Receiver<Status>,
}

impl Interface {
    async fn ask(&self, request: Request) -> fdo::Result<()> {
        let (answer, answered) = oneshot::channel();
        let ended = || fdo::Error::Failed("the daemon is stopping".to_owned());
        self.requests.send((request, answer)).await.map_err(|_| ended())?;
        answered.await.map_err(|_| ended())?.map_err(fdo::Error::Failed)
    }

    fn status(&self) -> Status {
        self.status.borrow().clone()
    }
}

fn file(fd: BusFd) -> File {
    File::from(OwnedFd::from(fd))
}

#[zbus::interface(name = "org.plenum.Appliance1")]
impl Interface {
    async fn check_for_update(&self) -> fdo::Result<()> {
        self.ask(Request::Check { sticks: true }).await
    }

    async fn install_file(&self, update: BusFd) -> fdo::Result<()> {
        self.ask(Request::Install(Some(Source::File(file(update))))).await
    }

    async fn offer_file(&self, update: BusFd) -> fdo::Result<()> {
        self.ask(Request::Offer(file(update))).await
    }

    async fn install_url(&self, url: String) -> fdo::Result<()> {
        let source = (!url.is_empty()).then(|| Source::Url(url));
        self.ask(Request::Install(source)).await
    }

    async fn cancel(&self) -> fdo::Result<()> {
        self.ask(Request::Cancel).await
    }

    async fn restart(&self, now: bool) -> fdo::Result<()> {
        self.ask(Request::Restart { now }).await
    }

    async fn rollback(&self, now: bool) -> fdo::Result<()> {
        self.ask(Request::Rollback { now }).await
    }

    #[zbus(property)]
    fn version(&self) -> String {
        self.status().version
    }

    #[zbus(property)]
    fn state(&self) -> String {
        self.status().state
    }

    #[zbus(property)]
    fn target(&self) -> String {
        self.status().target
    }

    #[zbus(property)]
    fn progress(&self) -> (u64, u64) {
        self.status().progress
    }

    #[zbus(property)]
    fn available(&self) -> String {
        self.status().available
    }

    #[zbus(property)]
    fn last(&self) -> (String, String, String, u64) {
        self.status().last
    }

    #[zbus(property)]
    fn rejected(&self) -> Vec<(String, String)> {
        self.status().rejected
    }

    #[zbus(property)]
    fn reasons(&self) -> Vec<String> {
        self.status().reasons
    }
}

/// Takes the name; from now on callers are answered.
pub async fn serve(
    bus: &Connection,
    requests: mpsc::Sender<Asked>,
    status: watch::Receiver<Status>,
) -> zbus::Result<()> {
    let interface = Interface { requests, status: status.clone() };
    bus.object_server().at(OBJECT_PATH, interface).await?;
    tokio::spawn(announce(bus.clone(), status));
    bus.request_name(BUS_NAME).await
}

/// Tells of every property that changed.
async fn announce(bus: Connection, mut status: watch::Receiver<Status>) -> zbus::Result<()> {
    let reference = bus.object_server().interface::<_, Interface>(OBJECT_PATH).await?;
    let mut old = status.borrow_and_update().clone();
    while status.changed().await.is_ok() {
        let new = status.borrow_and_update().clone();
        changed(&reference, &old, &new).await?;
        old = new;
    }
    Ok(())
}

async fn changed(
    reference: &zbus::object_server::InterfaceRef<Interface>,
    old: &Status,
    new: &Status,
) -> zbus::Result<()> {
    let interface = reference.get().await;
    let emitter: &SignalEmitter<'_> = reference.signal_emitter();
    if old.state != new.state {
        interface.state_changed(emitter).await?;
    }
    if old.target != new.target {
        interface.target_changed(emitter).await?;
    }
    if old.progress != new.progress {
        interface.progress_changed(emitter).await?;
    }
    if old.available != new.available {
        interface.available_changed(emitter).await?;
    }
    if old.last != new.last {
        interface.last_changed(emitter).await?;
    }
    if old.rejected != new.rejected {
        interface.rejected_changed(emitter).await?;
    }
    if old.reasons != new.reasons {
        interface.reasons_changed(emitter).await?;
    }
    Ok(())
}
