//! Listening, and what all connections share.

use crate::admission::{Admission, Place, Refused};
use crate::certificates::Certificates;
use crate::connection;
use crate::limits::Limits;
use crate::metrics::{Metrics, Present, Reason};
use crate::routes;
use crate::tls;
use axum::Router;
use plenum_daemon::Shutdown;
use plenum_protocol::settings::WebSettings;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

/// What every connection needs.
#[derive(Clone)]
pub(crate) struct Front {
    pub(crate) acceptor: TlsAcceptor,
    pub(crate) router: Router,
    pub(crate) turn_socket: Arc<PathBuf>,
    pub(crate) limits: Limits,
    pub(crate) metrics: Metrics,
    pub(crate) shutdown: Shutdown,
    admission: Admission,
}

/// What a connection holds until its last task has ended: the one that serves it, or the one that a
/// WebSocket goes on in.
#[derive(Debug)]
pub(crate) struct Held {
    _place: Place,
    _present: Present,
    _alive: mpsc::Sender<()>,
}

/// The server, ready to [`Server::run`].
pub struct Server {
    front: Front,
    /// Cloned into everything that runs, so that the end of the last can be noticed.
    alive: mpsc::Sender<()>,
    ended: mpsc::Receiver<()>,
}

impl Server {
    pub fn new(
        settings: &WebSettings,
        limits: Limits,
        metrics: Metrics,
        certificates: Arc<Certificates>,
        shutdown: Shutdown,
    ) -> anyhow::Result<Self> {
        let (alive, ended) = mpsc::channel(1);
        let config = tls::config(settings.tls12, certificates)?;
        let front = Front {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            router: routes::router(settings, limits, &metrics, &shutdown),
            turn_socket: Arc::new(settings.turn_socket.clone()),
            limits,
            metrics,
            shutdown,
            admission: Admission::new(settings.max_connections, settings.max_connections_per_address),
        };
        Ok(Server { front, alive, ended })
    }

    /// Serves until the shutdown, and then until requests under way have ended.
    pub async fn run(self, listeners: Vec<std::net::TcpListener>) -> io::Result<()> {
        let Server { front, alive, mut ended } = self;
        let (shutdown, drain) = (front.shutdown.clone(), front.limits.drain);
        for listener in listeners {
            tokio::spawn(listen(TcpListener::from_std(listener)?, front.clone(), alive.clone()));
        }
        drop(alive);
        shutdown.wait().await;
        if tokio::time::timeout(drain, ended.recv()).await.is_err() {
            log::warn!("connections that would not end were cut off");
        }
        Ok(())
    }
}

async fn listen(listener: TcpListener, front: Front, alive: mpsc::Sender<()>) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = front.shutdown.wait() => return,
        };
        match accepted {
            Ok((stream, peer)) => {
                front.metrics.accepted.inc();
                admit(stream, peer, &front, &alive);
            }
            Err(error) => {
                // Out of descriptors, or a connection that was gone before it was accepted.
                log::warn!(error:%; "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

fn admit(stream: TcpStream, peer: std::net::SocketAddr, front: &Front, alive: &mpsc::Sender<()>) {
    match front.admission.admit(peer.ip()) {
        Ok(place) => {
            let present = Present::new(&front.metrics.connections);
            let held = Arc::new(Held { _place: place, _present: present, _alive: alive.clone() });
            tokio::spawn(connection::serve(stream, peer, front.clone(), held));
        }
        Err(Refused::Full) => front.metrics.refuse(Reason::Full),
        Err(Refused::Address) => front.metrics.refuse(Reason::Address),
    }
}
