//! One process of the house: started, watched, ended by its own pid.

use crate::notify::NotifySocket;
use anyhow::{Context, Result, bail};
use nix::sys::prctl;
use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::Pid;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const READY_LIMIT: Duration = Duration::from_secs(30);
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// How a process is started, again and again.
pub struct Service {
    pub name: &'static str,
    pub program: PathBuf,
    pub arguments: Vec<String>,
    /// Whether it says `READY=1` (all of ours do, dbus-daemon does not).
    pub notifies: bool,
}

pub struct Process {
    child: Child,
    pid_file: PathBuf,
}

impl Process {
    /// Starts a service and waits until it is ready. Its output goes to `state/log/NAME.log`, its pid to
    /// `state/run/NAME.pid`.
    pub fn start(service: &Service, state: &Path) -> Result<Process> {
        let log_path = state.join("log").join(format!("{}.log", service.name));
        let log = File::options().create(true).append(true).open(&log_path)?;
        let notify = NotifySocket::bind(&state.join("run").join(format!("{}.notify", service.name)))?;
        let mut command = Command::new(&service.program);
        command.args(&service.arguments).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        command.env("NOTIFY_SOCKET", notify.path()).env("RUST_BACKTRACE", "1");
        die_with_parent(&mut command);
        let child =
            command.spawn().with_context(|| format!("{} cannot be started", service.program.display()))?;
        let pid_file = state.join("run").join(format!("{}.pid", service.name));
        let mut process = Process { child, pid_file };
        fs::write(&process.pid_file, process.child.id().to_string())?;
        if service.notifies {
            let ready = notify.wait_ready(READY_LIMIT, || process.check_alive());
            ready.with_context(|| format!("{} did not start:\n{}", service.name, last_lines(&log_path)))?;
        }
        Ok(process)
    }

    fn check_alive(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            Some(status) => bail!("it ended ({status})"),
            None => Ok(()),
        }
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// SIGTERM, and SIGKILL for what does not heed it.
    pub fn stop(&mut self) {
        self.signal(Signal::SIGTERM);
        let end = Instant::now() + STOP_LIMIT;
        while Instant::now() < end && !self.has_ended() {
            std::thread::sleep(Duration::from_millis(10));
        }
        if !self.has_ended() {
            self.signal(Signal::SIGKILL);
        }
        let _ = self.child.wait();
        // Its successor may have written its own already.
        if fs::read_to_string(&self.pid_file).is_ok_and(|pid| pid == self.child.id().to_string()) {
            let _ = fs::remove_file(&self.pid_file);
        }
    }

    pub fn signal(&mut self, signal: Signal) {
        if !self.has_ended() {
            let _ = kill(Pid::from_raw(self.child.id() as i32), signal);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Nothing outlives the harness, even if that is killed. And it heeds SIGTERM where the harness
/// has blocked that for itself: the mask is inherited.
#[allow(unsafe_code, reason = "pre_exec is unsafe; what it calls is async-signal-safe")]
pub(crate) fn die_with_parent(command: &mut Command) {
    // SAFETY: the closure only calls prctl(2) and pthread_sigmask(3), which are async-signal-safe.
    unsafe {
        command.pre_exec(|| {
            prctl::set_pdeathsig(Signal::SIGKILL)?;
            Ok(SigSet::empty().thread_set_mask()?)
        });
    }
}

fn last_lines(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_heeds_sigterm_though_the_harness_has_blocked_it() {
        let mut blocked = SigSet::empty();
        blocked.add(Signal::SIGTERM);
        blocked.thread_block().unwrap();
        let state = tempfile::tempdir().unwrap();
        for folder in ["log", "run"] {
            fs::create_dir(state.path().join(folder)).unwrap();
        }
        let program = PathBuf::from("sleep");
        let arguments = vec!["60".to_owned()];
        let service = Service { name: "sleep", program, arguments, notifies: false };
        let mut process = Process::start(&service, state.path()).unwrap();
        let began = Instant::now();
        process.stop();
        assert!(began.elapsed() < STOP_LIMIT / 2, "it took {:?}", began.elapsed());
    }
}
