//! The web front as a process.

#![forbid(unsafe_code)]

use plenum_daemon::Context;
use plenum_protocol::settings::WebSettings;
use plenum_web::certificates::Certificates;
use plenum_web::server::Server;
use plenum_web::{Limits, Metrics};
use std::process::ExitCode;
use std::sync::Arc;

fn main() -> ExitCode {
    plenum_daemon::run("web", serve)
}

async fn serve(context: Context<WebSettings>) -> anyhow::Result<()> {
    let settings = &context.settings;
    let metrics = Metrics::default();
    context.registry.register(|registry| metrics.register(registry));
    let certificates = Certificates::start(settings, &metrics)?;
    tokio::spawn(Arc::clone(&certificates).watch(context.reload(), None));
    let listeners = context.sockets.tcp("https", &settings.listen)?;
    let shutdown = context.shutdown.clone();
    let server = Server::new(settings, Limits::default(), metrics, certificates, shutdown)?;
    for listener in &listeners {
        log::info!(address:% = listener.local_addr()?; "listening");
    }
    context.ready();
    Ok(server.run(listeners).await?)
}
