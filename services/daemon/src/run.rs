use crate::cli::{self, Action};
use crate::configuration::{self, Settings};
use crate::metrics::{self, SharedRegistry};
use crate::readiness::Readiness;
use crate::sockets::Activated;
use crate::stop::{Reload, Shutdown, Signals};
use crate::{Context, logging};
use anyhow::Context as _;
use std::future::Future;
use std::io::Write;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

/// Exit statuses of sysexits.h: systemd units name CONFIGURATION in RestartPreventExitStatus, because
/// starting again does not mend a settings file.
const USAGE: u8 = 64;
const CONFIGURATION: u8 = 78;

/// How long a daemon may take to end after it was asked to.
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// Reads the command line and the settings, starts logging, metrics and watchdog, and runs `main` on a
/// current-thread runtime until it returns. SIGTERM and SIGINT resolve [`Context::shutdown`]; a second one,
/// or 10 s, ends the process.
pub fn run<S, F, Fut>(name: &'static str, main: F) -> ExitCode
where
    S: Settings,
    F: FnOnce(Context<S>) -> Fut,
    Fut: Future<Output = anyhow::Result<()>>,
{
    let arguments = match cli::parse(name, std::env::args_os().skip(1)) {
        Ok(arguments) => arguments,
        Err(error) => return complain(name, &error, USAGE),
    };
    match arguments.action {
        Action::Version => return say(&format!("plenum-{name} {}", env!("CARGO_PKG_VERSION"))),
        Action::Help => return say(&cli::usage(name)),
        Action::Run | Action::Check => {}
    }
    let settings: S = match configuration::load(&arguments.config) {
        Ok(settings) => settings,
        Err(error) => return complain(name, &error.to_string(), CONFIGURATION),
    };
    if arguments.action == Action::Check {
        return say(&format!("{}: valid", arguments.config.display()));
    }
    // Validated before: one of the level's names.
    let level = log::LevelFilter::from_str(&settings.common().log_level).unwrap_or(log::LevelFilter::Info);
    logging::start(name, level);
    logging::log_panics();
    let ended = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("the runtime could not be started")
        .and_then(|runtime| {
            let ended = runtime.block_on(supervise(name, settings, main));
            // Blocking tasks that hang must not keep the process.
            runtime.shutdown_timeout(Duration::from_secs(1));
            ended
        });
    match ended {
        Ok(()) => {
            log::info!("ended");
            ExitCode::SUCCESS
        }
        Err(error) => {
            log::error!("ended with an error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// `main` between signals, metrics and the service manager.
async fn supervise<S, F, Fut>(name: &'static str, settings: S, main: F) -> anyhow::Result<()>
where
    S: Settings,
    F: FnOnce(Context<S>) -> Fut,
    Fut: Future<Output = anyhow::Result<()>>,
{
    let mut signals = Signals::listen().context("signals cannot be handled")?;
    let sockets = Activated::from_environment().context("the service manager passed unusable sockets")?;
    let registry = SharedRegistry::new(name);
    let metrics_socket = &settings.common().metrics_socket;
    if !metrics_socket.as_os_str().is_empty() {
        let listener = sockets.unix_listener("metrics", metrics_socket, 0o660).with_context(|| {
            format!("`common.metrics_socket = {}` cannot be listened on", metrics_socket.display())
        })?;
        tokio::spawn(metrics::serve(listener, registry.clone()));
    }
    let (trigger, shutdown) = Shutdown::new();
    let (reloaded, reload) = Reload::new();
    let readiness = Readiness::default();
    log::info!(version = env!("CARGO_PKG_VERSION"); "starting");
    let on_hangup = || {
        log::info!("reload asked for");
        reloaded.send_modify(|count| *count += 1);
        readiness.reloaded();
    };
    let context = Context { settings, registry, shutdown, sockets, readiness: readiness.clone(), reload };
    let mut main = std::pin::pin!(main(context));
    tokio::select! {
        ended = &mut main => return ended,
        () = signals.stop(on_hangup) => {}
    }
    log::info!("stopping");
    readiness.stopping();
    trigger.stop();
    tokio::select! {
        ended = main => ended,
        () = signals.stop(|| {}) => anyhow::bail!("a second signal cut the graceful stop short"),
        () = tokio::time::sleep(STOP_LIMIT) => {
            anyhow::bail!("the graceful stop took longer than {} s", STOP_LIMIT.as_secs())
        }
    }
}

fn say(text: &str) -> ExitCode {
    match writeln!(std::io::stdout(), "{text}") {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Through the logger, so that it reaches the journal of a unit too.
fn complain(name: &'static str, text: &str, status: u8) -> ExitCode {
    logging::start(name, log::LevelFilter::Info);
    for line in text.lines() {
        log::error!("{line}");
    }
    ExitCode::from(status)
}
