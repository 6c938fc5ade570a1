//! What the daemons count, asked of their Unix sockets in the OpenMetrics text format.

use anyhow::{Context, Result, ensure};
use futures_util::future::join_all;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Bytes;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::net::UnixStream;
use tokio::time::timeout;

pub use plenum_daemon::metrics::OPEN_METRICS;

const LIMIT: Duration = Duration::from_secs(2);
const MAX_BYTES: usize = 256 << 10;

/// Of one daemon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metrics {
    /// Name of the daemon.
    pub daemon: String,
    pub text: String,
}

impl Metrics {
    /// The sum over all labels; `None` if there is no such metric.
    pub fn value(&self, name: &str) -> Option<f64> {
        let of_line = |line: &str| {
            let rest = line.strip_prefix(name)?;
            let rest = match rest.strip_prefix('{') {
                Some(labelled) => labelled.split_once("} ")?.1,
                None => rest.strip_prefix(' ')?,
            };
            rest.split(' ').next()?.parse::<f64>().ok()
        };
        self.text.lines().filter_map(of_line).fold(None, |sum, value| Some(sum.unwrap_or(0.0) + value))
    }
}

/// Of all daemons that answer.
pub async fn gather(sockets: &[PathBuf]) -> Vec<Metrics> {
    let asked = join_all(sockets.iter().map(|socket| async move {
        let answer = timeout(LIMIT, ask(socket)).await.unwrap_or_else(|_| Err(anyhow::anyhow!("no answer")));
        answer.inspect_err(|error| log::debug!("{}: {error:#}", socket.display())).ok()
    }));
    asked.await.into_iter().flatten().collect()
}

async fn ask(socket: &Path) -> Result<Metrics> {
    let stream = UnixStream::connect(socket).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    // It ends with its one answer, or with an error that the body reports.
    tokio::spawn(connection);
    let request = Request::get("/metrics").header("host", "localhost").body(Empty::<Bytes>::new())?;
    let answer = sender.send_request(request).await?;
    ensure!(answer.status() == StatusCode::OK, "it answered {}", answer.status());
    let body = Limited::new(answer.into_body(), MAX_BYTES).collect().await;
    let body = body.map_err(|error| anyhow::anyhow!("{error}"))?.to_bytes();
    let daemon = daemon(socket);
    Ok(Metrics { daemon, text: String::from_utf8(body.to_vec()).context("it is no text")? })
}

/// `/run/plenum/web/metrics.sock` is of `web`, and so is `web.metrics`.
fn daemon(socket: &Path) -> String {
    let stem = socket.file_stem().unwrap_or_default().to_string_lossy();
    let folder = socket.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
    if stem == "metrics" { folder.into_owned() } else { stem.into_owned() }
}

/// One text of all: each family once, and every sample with the daemon that it is of.
pub fn merge(all: &[Metrics]) -> String {
    /// What describes a family, and its samples.
    #[derive(Default)]
    struct Family {
        descriptor: Vec<String>,
        samples: String,
    }
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    for Metrics { daemon, text } in all {
        let mut name = String::new();
        for line in text.lines() {
            if let Some(descriptor) = line.strip_prefix("# ") {
                let Some(of) = descriptor.split(' ').nth(1) else { continue };
                name = of.to_owned();
                let known = &mut families.entry(name.clone()).or_default().descriptor;
                if !known.iter().any(|it| it == line) {
                    known.push(line.to_owned());
                }
            } else if let Some(end) = line.find(['{', ' ']) {
                let (metric, rest) = line.split_at(end);
                let labels = rest.strip_prefix('{').map_or_else(
                    || format!("}}{rest}"),
                    |it| match it {
                        _ if it.starts_with('}') => it.to_owned(),
                        _ => format!(",{it}"),
                    },
                );
                let samples = &mut families.entry(name.clone()).or_default().samples;
                *samples += &format!("{metric}{{daemon=\"{daemon}\"{labels}\n");
            }
        }
    }
    let mut text = String::new();
    for Family { descriptor, samples } in families.into_values() {
        descriptor.iter().for_each(|line| text += &format!("{line}\n"));
        text += &samples;
    }
    text + "# EOF\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use plenum_daemon::metrics::{SharedRegistry, serve};
    use tokio::net::UnixListener;

    #[test]
    fn values_are_summed_over_labels() {
        let text =
            "# TYPE x counter\nx_total{a=\"1\"} 2\nx_total{a=\"2 } \"} 3.5\nx_totals 9\ny 7 1.0\n# EOF\n";
        let metrics = Metrics { daemon: String::new(), text: text.into() };
        assert_eq!(metrics.value("x_totals"), Some(9.0));
        assert_eq!(metrics.value("y"), Some(7.0));
        assert_eq!(metrics.value("x"), None);
        let simple =
            Metrics { daemon: String::new(), text: "x_total{a=\"1\"} 2\nx_total{a=\"2\"} 3.5\n".into() };
        assert_eq!(simple.value("x_total"), Some(5.5));
    }

    #[test]
    fn families_of_several_daemons_are_merged() {
        let of = |daemon: &str, own: &str| Metrics {
            daemon: daemon.into(),
            text: format!(
                "# HELP process_open_fds Open.\n# TYPE process_open_fds gauge\nprocess_open_fds 7\n{own}# EOF\n"
            ),
        };
        let own = "# TYPE x counter\nx_total{a=\"} \"} 2\nx_total{} 3\n";
        let wanted = "# HELP process_open_fds Open.\n# TYPE process_open_fds gauge\n\
            process_open_fds{daemon=\"sfu\"} 7\nprocess_open_fds{daemon=\"web\"} 7\n\
            # TYPE x counter\nx_total{daemon=\"web\",a=\"} \"} 2\nx_total{daemon=\"web\"} 3\n# EOF\n";
        assert_eq!(merge(&[of("sfu", ""), of("web", own)]), wanted);
        assert_eq!(daemon(Path::new("/run/plenum/web/metrics.sock")), "web");
        assert_eq!(daemon(Path::new("/tmp/x/turn.metrics")), "turn");
    }

    #[tokio::test]
    async fn daemons_that_are_silent_keep_nobody_from_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        tokio::spawn(serve(UnixListener::bind(path("web")).unwrap(), SharedRegistry::new("web")));
        let silent = UnixListener::bind(path("silent")).unwrap();
        let found = gather(&[path("missing"), path("silent"), path("web")]).await;
        drop(silent);
        assert_eq!(found.len(), 1);
        assert!(found[0].value("process_open_fds").is_some_and(|count| count > 0.0));
    }
}
