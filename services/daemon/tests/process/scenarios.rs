use super::child::{Probe, exchange, executable, finished, http_get, settings};
use super::journal;
use nix::sys::signal::Signal;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const ANY: &str = "listen = [\"127.0.0.1:0\"]\n";

pub(crate) const ALL: &[(&str, fn())] = &[
    ("version_and_check", version_and_check),
    ("readiness_reload_and_stop", readiness_reload_and_stop),
    ("a_socket_passed_by_name_is_used", a_socket_passed_by_name_is_used),
    ("a_socket_of_the_wrong_kind_is_refused", a_socket_of_the_wrong_kind_is_refused),
    ("a_hung_runtime_stops_the_watchdog", a_hung_runtime_stops_the_watchdog),
    ("a_panic_is_logged_and_counted", a_panic_is_logged_and_counted),
    ("a_taken_port_ends_the_daemon_with_the_reason", a_taken_port_ends_the_daemon_with_the_reason),
    ("fields_reach_the_journal", journal::fields_reach_the_journal),
];

fn version_and_check() {
    let (code, stdout, _) = finished(&["--version"]);
    assert_eq!((code, stdout.as_str()), (0, "plenum-probe 0.1.0\n"));

    let (_dir, file) = settings("tls12 = true\n");
    let file = file.to_str().unwrap();
    let (code, stdout, _) = finished(&["--config", file, "--check"]);
    assert_eq!((code, stdout), (0, format!("{file}: valid\n")));

    std::fs::write(file, "tls12 = true\nmax_connections = 0\n").unwrap();
    let (code, _, stderr) = finished(&["--config", file, "--check"]);
    assert_eq!(code, 78, "EX_CONFIG");
    let expected = format!("{file}:2: `max_connections = 0`: it is out of range. Set it to a number from 1");
    assert!(stderr.contains(&expected), "{stderr}");

    let (code, _, stderr) = finished(&["--config", file, "--verbose"]);
    assert_eq!(code, 64, "EX_USAGE");
    assert!(stderr.contains("unknown argument --verbose"), "{stderr}");
}

fn readiness_reload_and_stop() {
    let probe = Probe::start(ANY, |_| {});
    let address = probe.address();
    assert_eq!(exchange(&mut probe.connect(address), "hello"), "hello");

    probe.signal(Signal::SIGHUP);
    let reloading = probe.notification();
    assert!(reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="), "{reloading}");
    assert_eq!(probe.notification().trim(), "READY=1");
    assert_eq!(exchange(&mut probe.connect(address), "still here"), "still here");

    probe.signal(Signal::SIGTERM);
    assert_eq!(probe.notification().trim(), "STOPPING=1");
    let (status, stderr) = probe.ended();
    assert!(status.success(), "{status}: {stderr}");
    assert!(stderr.contains("taken up again files=1"), "{stderr}");
    assert!(stderr.contains(" plenum_daemon::run: ended"), "{stderr}");
}

/// Passes `socket` as descriptor 3, under LISTEN_PID of the daemon itself, as systemd does.
fn activated(socket: OwnedFd, name: &str) -> Probe {
    let mut shell = Command::new("sh");
    shell.args(["-c", "LISTEN_PID=$$ exec \"$0\" \"$@\" 3<&0"]).arg(executable());
    Probe::start_with("listen = [\"192.0.2.1:1\"]\n", shell, |command| {
        command.env("LISTEN_FDS", "1").env("LISTEN_FDNAMES", name).stdin(Stdio::from(socket));
    })
}

fn a_socket_passed_by_name_is_used() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let probe = activated(listener.into(), "https");
    assert_eq!(probe.address(), address);
    assert_eq!(exchange(&mut probe.connect(address), "activated"), "activated");
}

fn a_socket_of_the_wrong_kind_is_refused() {
    let datagrams = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let (status, stderr) = activated(datagrams.into(), "https").ended();
    assert_eq!(status.code(), Some(1));
    assert!(stderr.contains("the socket passed as https is of another kind"), "{stderr}");
}

fn a_hung_runtime_stops_the_watchdog() {
    let probe = Probe::start(ANY, |command| {
        command.env("WATCHDOG_USEC", "400000");
    });
    let address = probe.address();
    let started = Instant::now();
    for _ in 0..4 {
        assert_eq!(probe.notification().trim(), "WATCHDOG=1");
    }
    // The first tick comes at once, then one every 200 ms.
    assert!(started.elapsed() >= Duration::from_millis(550), "{:?}", started.elapsed());
    probe.connect(address).write_all(b"hang\n").unwrap();
    // One or two ticks may be under way before the line is read.
    let ticks = std::iter::from_fn(|| probe.notification_within(Duration::from_millis(1_000))).take(10);
    assert!(ticks.count() < 10, "a hung runtime goes on feeding the watchdog");
}

fn a_panic_is_logged_and_counted() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("metrics.sock");
    let probe = Probe::start(&format!("{ANY}[common]\nmetrics_socket = {socket:?}\n"), |_| {});
    let address = probe.address();
    let mut stream = probe.connect(address);
    stream.write_all(b"panic\n").unwrap();
    assert_eq!(stream.read(&mut [0u8; 1]).unwrap(), 0, "the panicking task is gone");
    assert_eq!(exchange(&mut probe.connect(address), "alive"), "alive");
    let metrics = http_get(&socket, "/metrics");
    assert!(metrics.contains("\nprocess_panics_total 1\n"), "{metrics}");
    probe.signal(Signal::SIGINT);
    let (status, stderr) = probe.ended();
    assert!(status.success());
    assert!(stderr.contains("ERROR plenum_daemon::logging: panic: asked to place="), "{stderr}");
}

fn a_taken_port_ends_the_daemon_with_the_reason() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let (status, stderr) = Probe::start(&format!("listen = [\"{address}\"]\n"), |_| {}).ended();
    assert_eq!(status.code(), Some(1));
    assert!(stderr.contains(&format!("TCP {address} cannot be bound (another process has it")), "{stderr}");
}
