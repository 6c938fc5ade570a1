#![forbid(unsafe_code)]

use anyhow::Context as _;
use plenum_daemon::{Context, secret_file};
use plenum_protocol::settings::TurnSettings;
use plenum_turn::metrics::Metrics;
use plenum_turn::server::Server;
use plenum_turn::stream::{self, Waiting};
use plenum_turn::udp;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, UdpSocket};
use tokio::task::JoinSet;

/// How often this machine's addresses are looked at, when they stand for the SFU's.
const ADDRESSES: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    plenum_daemon::run("turn", serve)
}

async fn serve(context: Context<TurnSettings>) -> anyhow::Result<()> {
    let settings = context.settings.clone();
    let secret = secret_file::read_or_create(&settings.secret_file)
        .with_context(|| format!("`secret_file = {}` cannot be used", settings.secret_file.display()))?;
    let metrics = context.registry.register(Metrics::register);
    let server =
        Server::new(settings.clone(), &secret, metrics).context("this machine's addresses cannot be read")?;
    let server = Arc::new(server);
    let waiting = Arc::new(Waiting::default());

    let mut listeners = JoinSet::new();
    for socket in context.sockets.udp("turn-udp", &settings.listen)? {
        listeners.spawn(udp::serve(Arc::clone(&server), UdpSocket::from_std(socket)?));
    }
    for listener in context.sockets.tcp("turn-tcp", &settings.listen)? {
        let listener = TcpListener::from_std(listener)?;
        listeners.spawn(stream::serve_tcp(Arc::clone(&server), listener, Arc::clone(&waiting)));
    }
    // `web` runs as another user of the same group.
    let handed_over = context.sockets.unix_listener("turn-stream", &settings.stream_socket, 0o660)?;
    listeners.spawn(stream::serve_handed_over(Arc::clone(&server), handed_over, waiting));
    log::info!(peers = server.peers().addresses().len(); "relaying to the SFU");
    context.ready();

    let mut addresses = tokio::time::interval(ADDRESSES);
    loop {
        tokio::select! {
            () = context.shutdown.wait() => return Ok(()),
            _ = addresses.tick() => server.refresh_peers(),
            Some(ended) = listeners.join_next() => {
                ended.context("a listener's task failed")?.context("a listener failed")?;
            }
        }
    }
}
