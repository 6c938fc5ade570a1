//! Clients over UDP: one socket, one session per client address that holds an allocation.

use crate::client::{Client, Transport};
use crate::frame::MAX_MESSAGE;
use crate::server::Server;
use crate::session::Session;
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::time::MissedTickBehavior;

/// How often sessions whose allocation has expired are looked for.
const SWEEP: Duration = Duration::from_secs(5);

/// Serves until the socket fails.
pub async fn serve(server: Arc<Server>, socket: UdpSocket) -> io::Result<()> {
    let local = socket.local_addr()?;
    // Answers are sent without waiting, so it must be known that the socket takes them.
    socket.writable().await?;
    let socket = Arc::new(socket);
    let mut sessions: HashMap<SocketAddr, Session> = HashMap::new();
    let mut buffer = vec![0; MAX_MESSAGE + 1];
    let mut sweep = tokio::time::interval(SWEEP);
    sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let received = tokio::select! {
            received = socket.recv_from(&mut buffer) => received,
            _ = sweep.tick() => {
                sessions.retain(|_, session| session.is_alive());
                continue;
            }
        };
        match received {
            Ok((count, _)) if count > MAX_MESSAGE => server.metrics.malformed(Transport::Udp),
            Ok((count, from)) => {
                let mut session = sessions.remove(&from);
                let client = match &session {
                    Some(session) => Arc::clone(session.client()),
                    None => Arc::new(Client::datagrams(Arc::clone(&socket), local, from)),
                };
                // Malformed datagrams are counted by the server, and that is all.
                let _ = server.message(&client, &mut session, &buffer[..count]).await;
                if let Some(session) = session {
                    sessions.insert(from, session);
                }
            }
            // An ICMP error of an earlier answer.
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
            Err(error) => return Err(error),
        }
    }
}
