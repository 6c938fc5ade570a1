//! A child process opens the database first: sled may panic, hang or eat memory on a damaged one, and none of
//! this may happen to the daemon.

use std::{
    ffi::OsString,
    fs::File,
    io::{BufWriter, Read, Write},
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode, Stdio},
    sync::mpsc,
    thread,
    time::Instant,
};

use nix::sys::{
    resource::{Resource, setrlimit},
    signal::Signal,
};
use serde::{Deserialize, Serialize};

use crate::{
    Probe, Result, dump,
    engine::{Engine, Fault},
    entry::Encoded,
    error::Context as _,
    index::{self, Tally},
    layout::{self, Layout},
    lines::{self, Line},
    record,
    scan::{self, Scan},
};

/// The argument that turns a program into the probe.
const FLAG: &str = "--probe-store";
/// Memory that the child may use beside four times the size of the database.
const MEMORY: u64 = 512 << 20;
const CACHE: u64 = 8 << 20;
/// The child's first words: what goes wrong after them, the database did.
const GREETING: &[u8] = b"probing\n";

/// What the child found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Report {
    pub verdict: Verdict,
    /// Why the dump cannot be used.
    pub bad_dump: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Verdict {
    Good,
    Damaged(String),
    Locked,
    DiskFull,
}

impl Verdict {
    pub(crate) fn of(scan: &Result<Scan, Fault>) -> Verdict {
        match scan {
            Ok(scan) if scan.problems.is_empty() => Verdict::Good,
            Ok(scan) => Verdict::Damaged(scan.problems.join(", ")),
            Err(Fault::Locked) => Verdict::Locked,
            Err(Fault::Full) => Verdict::DiskFull,
            Err(fault) => Verdict::Damaged(fault.to_string()),
        }
    }
}

/// Why there is no report.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    /// Nothing is known of the database.
    #[error("the probe cannot be started ({0})")]
    NotStarted(String),
    /// The database did it.
    #[error("{0}")]
    Died(String),
}

/// Call it first in `main`: if the arguments are those of a probe, it does the probe's work and says how the
/// process is to end.
///
/// ```no_run
/// # use std::process::ExitCode;
/// fn main() -> ExitCode {
///     if let Some(code) = plenum_store::probe_main(std::env::args_os()) {
///         return code;
///     }
///     // … Store::open(options.probe(Probe::own_program()?)) …
/// #   ExitCode::SUCCESS
/// }
/// ```
pub fn probe_main(arguments: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
    let mut arguments = arguments.into_iter().skip_while(|argument| argument != FLAG).skip(1);
    let task = arguments.next()?;
    let root = PathBuf::from(arguments.next()?);
    let schema: u16 = arguments.next()?.to_str()?.parse().ok()?;
    let layout = Layout::new(&root, schema);
    limit(&layout);
    if !say(GREETING) {
        return Some(ExitCode::FAILURE);
    }
    let done = match task.to_str()? {
        "check" => say(&serde_json::to_vec(&check(&layout, schema)).unwrap_or_default()),
        "salvage" => salvage(&layout, schema, &PathBuf::from(arguments.next()?)).is_ok(),
        _ => false,
    };
    Some(if done { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn limit(layout: &Layout) {
    // The lock on the database must not outlive the daemon, which may be killed.
    let _ = nix::sys::prctl::set_pdeathsig(Signal::SIGKILL);
    let bytes = MEMORY + 4 * layout::disk_usage(&layout.database());
    let _ = setrlimit(Resource::RLIMIT_DATA, bytes, bytes);
}

fn say(bytes: &[u8]) -> bool {
    let mut out = std::io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).is_ok()
}

/// Reads everything.
pub(crate) fn check(layout: &Layout, schema: u16) -> Report {
    let bad_dump = bad_dump(layout);
    let scan = Engine::open(&layout.database(), CACHE).and_then(|engine| scan::scan(&engine, schema));
    Report { verdict: Verdict::of(&scan), bad_dump }
}

pub(crate) fn bad_dump(layout: &Layout) -> Option<String> {
    let file = File::open(layout.dump()).ok()?;
    dump::check(file).err().map(|error| error.to_string())
}

/// Writes every record that can be read, as the lines of a dump without its end, then the counts that should
/// have been found.
pub(crate) fn salvage(layout: &Layout, schema: u16, target: &Path) -> Result<()> {
    let fault = |fault: Fault| fault.at(&layout.database());
    let engine = Engine::open(&layout.database(), CACHE).map_err(fault)?;
    let mut out = BufWriter::new(File::create(target).context("creating", target)?);
    let start = crate::entry::start(schema, 0, std::time::UNIX_EPOCH);
    lines::write(&mut out, &Line::PlenumStore(start)).context("writing", target)?;
    let mut result = Ok(());
    let scanned = scan::for_each(&engine, |(key, value)| {
        if result.is_ok() {
            result = salvage_pair(&mut out, key, value);
        }
    });
    // What was read before an error is worth having.
    result.and_then(|()| out.flush()).context("writing", target)?;
    scanned.map_err(fault)
}

fn salvage_pair(out: &mut impl Write, key: &[u8], value: &[u8]) -> std::io::Result<()> {
    if let Some(record) = Encoded::new(key, value) {
        return lines::write(out, &Line::Record(record.line()));
    }
    let tally = record::decode(key, value).ok().and_then(|record| Tally::decode(&record));
    match index::tally_tree(key).zip(tally) {
        Some((tree, Tally { count, sequence, digest })) => {
            lines::write(out, &Line::Tally { tree, count, sequence, digest })
        }
        None => Ok(()),
    }
}

impl Probe {
    pub(crate) fn check(&self, root: &Path, schema: u16) -> Result<Report, Failure> {
        let answer = self.run(["check".into(), root.into(), schema.to_string().into()])?;
        serde_json::from_slice(&answer).map_err(|_| Failure::Died("the probe broke off".into()))
    }

    pub(crate) fn salvage(&self, root: &Path, schema: u16, target: &Path) -> Result<(), Failure> {
        self.run(["salvage".into(), root.into(), schema.to_string().into(), target.into()]).map(|_| ())
    }

    /// Returns what the child said after its greeting.
    fn run<const N: usize>(&self, task: [OsString; N]) -> Result<Vec<u8>, Failure> {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).arg(FLAG).args(task);
        // A panic message may quote what is stored: it does not go to the log.
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let not_started = |error: std::io::Error| Failure::NotStarted(error.to_string());
        let mut child = command.spawn().map_err(not_started)?;
        let (greeted, answer) = self.listen(&mut child);
        if answer.is_none() {
            let _ = child.kill();
        }
        let status = child.wait().map_err(not_started)?;
        match answer {
            _ if !greeted => Err(Failure::NotStarted("it does not call probe_main".into())),
            None => Err(Failure::Died(format!("it could not be read in {} s", self.timeout.as_secs()))),
            Some(answer) if status.success() => Ok(answer),
            Some(_) => Err(Failure::Died(format!("reading it ended the probe: {status}"))),
        }
    }

    /// Whether it greeted, and what it said until its end; `None` if that did not come in time.
    fn listen(&self, child: &mut Child) -> (bool, Option<Vec<u8>>) {
        let Some(mut pipe) = child.stdout.take() else { return (false, None) };
        let (sender, heard) = mpsc::channel();
        thread::spawn(move || {
            let mut greeting = [0; GREETING.len()];
            let greeted = pipe.read_exact(&mut greeting).is_ok() && greeting == GREETING;
            let _ = sender.send(Heard::Greeting(greeted));
            let mut answer = Vec::new();
            let _ = pipe.read_to_end(&mut answer);
            let _ = sender.send(Heard::Answer(answer));
        });
        let deadline = Instant::now() + self.timeout;
        let mut greeted = false;
        loop {
            match heard.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(Heard::Greeting(heard)) => greeted = heard,
                Ok(Heard::Answer(answer)) => return (greeted, Some(answer)),
                Err(_) => return (greeted, None),
            }
        }
    }
}

enum Heard {
    Greeting(bool),
    Answer(Vec<u8>),
}
