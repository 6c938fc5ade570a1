//! The daemon: sockets, media threads and the bus around the core.

use crate::bus::{self, Interface, SharedControl};
use crate::control::{Control, Endpoint};
use crate::core::{Core, Event};
use crate::dtls::Identity;
use crate::forward::ForwardConfig;
use crate::mailbox::Mailbox;
use crate::metrics::Sums;
use crate::net::{self, Net, Ports};
use crate::worker::{self, Worker};
use anyhow::Context as _;
use plenum_daemon::Context;
use plenum_protocol::settings::SfuSettings;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::{Notify, mpsc, watch};

/// A media thread goes round at least once a second.
const HEARTBEAT: Duration = Duration::from_secs(5);
const RETRY_AFTER: Duration = Duration::from_millis(500);
/// From 1900, where NTP begins, to 1970 (RFC 5905 §6).
const NTP_EPOCH_SECONDS: u64 = 2_208_988_800;

pub async fn main(context: Context<SfuSettings>) -> anyhow::Result<()> {
    let settings = &context.settings;
    let threads = match settings.threads {
        0 => std::thread::available_parallelism().map_or(1, |count| count.get().min(256)),
        threads => usize::from(threads),
    };
    let ports = net::bind(settings.port, threads)
        .with_context(|| format!("`port = {}`: the media port cannot be opened", settings.port))?;
    let identity = Identity::generate().context("the DTLS certificate could not be made")?;
    let mailboxes: Arc<[Mailbox]> = (0..threads)
        .map(|_| Mailbox::new())
        .collect::<std::io::Result<Vec<_>>>()
        .context("the media threads could not be prepared")?
        .into();
    context.registry.register(|registry| registry.register_collector(Box::new(Sums(mailboxes.clone()))));

    let (addresses, port) = (settings.addresses.clone(), ports.port);
    let public = settings.public_addresses_file.clone();
    let endpoint = Endpoint {
        fingerprint: *identity.fingerprint(),
        candidates: Box::new(move || net::candidates(&addresses, &net::public(&public), port)),
    };
    let control: SharedControl = Arc::new(Mutex::new(Control::new(endpoint, mailboxes.clone())));
    let (events, mut incoming) = mpsc::unbounded_channel();
    let media = Media::start(&context, &identity, ports, &mailboxes, events)?;

    let interface = Interface {
        control: control.clone(),
        instance: format!("{:016x}", random()?),
        own_addresses: net::own_addresses,
    };
    let connection = bus::serve(&settings.common.bus_address, interface.clone())
        .await
        .context("the message bus cannot be used (`common.bus_address`), or another SFU is on it")?;
    let (bus, bus_watch) = watch::channel(Some(connection));
    context.ready();
    log::info!(port, threads; "ready");

    let ended = tokio::select! {
        () = context.shutdown.wait() => Ok(()),
        () = pump(&control, &bus_watch, &mut incoming) => Ok(()),
        () = media.ended.notified() => Err(anyhow::anyhow!("a media thread ended")),
        () = stay_on_bus(&settings.common.bus_address, &interface, &bus) => Ok(()),
    };
    bus::lock(&control).stop();
    media.join();
    ended
}

/// Takes note of events and sends them out as signals.
async fn pump(
    control: &SharedControl,
    bus: &watch::Receiver<Option<zbus::Connection>>,
    incoming: &mut mpsc::UnboundedReceiver<Event>,
) {
    while let Some(event) = incoming.recv().await {
        if !bus::lock(control).note(&event) {
            continue;
        }
        bus::log(&event);
        // Without a bus there is nobody to tell; `signaling` asks when it is back.
        let connection = bus.borrow().clone();
        if let Some(connection) = connection
            && let Err(error) = bus::signal(&connection, &event).await
        {
            log::warn!(error:%; "a signal could not be sent");
        }
    }
}

/// Media outlives the bus: comes back to it when it is there again.
async fn stay_on_bus(address: &str, interface: &Interface, bus: &watch::Sender<Option<zbus::Connection>>) {
    loop {
        let connection = bus.borrow().clone();
        if let Some(connection) = connection {
            connection.closed().await;
            log::error!("the message bus is gone; media goes on without control");
            bus.send_replace(None);
        }
        tokio::time::sleep(RETRY_AFTER).await;
        if let Ok(connection) = bus::serve(address, interface.clone()).await {
            log::info!("back on the message bus");
            bus.send_replace(Some(connection));
        }
    }
}

/// The media threads.
struct Media {
    threads: Vec<JoinHandle<()>>,
    /// Told when one of them ended, in whatever way.
    ended: Arc<Notify>,
}

struct Ended(Arc<Notify>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

impl Media {
    fn start(
        context: &Context<SfuSettings>,
        identity: &Identity,
        ports: Ports,
        mailboxes: &Arc<[Mailbox]>,
        events: mpsc::UnboundedSender<Event>,
    ) -> anyhow::Result<Media> {
        let settings = &context.settings;
        let (now, ntp) = (Instant::now(), ntp_now());
        let mut media = Media { threads: Vec::new(), ended: Arc::new(Notify::new()) };
        let count = ports.sockets.len();
        for (index, (v4, v6)) in ports.sockets.into_iter().enumerate() {
            let config = ForwardConfig {
                peer_limit_bps: u64::from(settings.peer_limit_mbps) * 1_000_000,
                seed: random()?,
                reference: (now, ntp),
            };
            let name = format!("media-{index}");
            let heartbeat = context.heartbeat("media", HEARTBEAT);
            let worker = Worker {
                index: index as u8,
                core: Core::new(now, identity.clone(), config),
                net: Net::new(v4, v6, settings.test_loss_permille, random()?),
                mailboxes: mailboxes.clone(),
                events: events.clone(),
                beat: Box::new(move || heartbeat.beat()),
            };
            let ended = Ended(media.ended.clone());
            let run = move || {
                let _ended = ended;
                worker::pin(index, count);
                worker.run();
            };
            let thread = std::thread::Builder::new().name(name).spawn(run);
            media.threads.push(thread.context("a media thread could not be started")?);
        }
        Ok(media)
    }

    /// Waits until the threads have said good-bye to their peers.
    fn join(self) {
        for thread in self.threads {
            if thread.join().is_err() {
                log::error!("a media thread panicked");
            }
        }
    }
}

fn random() -> anyhow::Result<u64> {
    let mut bytes = [0; 8];
    aws_lc_rs::rand::fill(&mut bytes).context("the system gives no random numbers")?;
    Ok(u64::from_le_bytes(bytes))
}

/// The wall clock in NTP's 32.32 fixed point (RFC 5905 §6).
fn ntp_now() -> u64 {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let seconds = since_1970.as_secs() + NTP_EPOCH_SECONDS;
    let fraction = (u64::from(since_1970.subsec_nanos()) << 32) / 1_000_000_000;
    seconds << 32 | fraction
}
