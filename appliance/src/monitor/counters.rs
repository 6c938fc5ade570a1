//! Reads the counters of the machine and of the daemons.

use super::sample::Reading;
use crate::metrics::{self, Metrics};
use plenum_protocol::manager::Disk;
use std::fs;
use std::path::{Path, PathBuf};

/// Of the root of the control groups: all processes together. The unit sees nothing of /proc but processes.
const CONTROL_GROUP: &str = "/sys/fs/cgroup/cpu.stat";
/// Where there are no unified control groups, as in some containers.
const PROC_STAT: &str = "/proc/stat";
/// USER_HZ, which Linux has fixed for programs.
const TICKS_PER_SECOND: f64 = 100.0;
const PORTS: &str = "/sys/class/net";
const LOOPBACK: &str = "lo";

pub(super) async fn read(sockets: &[PathBuf], disk: Disk) -> Reading {
    let metrics = metrics::gather(sockets).await;
    let sfu = |names: &[&str]| sum(&metrics, "plenum_sfu_", names);
    let signaling = |name: &str| sum(&metrics, "plenum_signaling_", &[name]);
    let (bytes_in, bytes_out) = traffic(Path::new(PORTS)).unzip();
    Reading {
        cpu_seconds: cpu_seconds(),
        processors: std::thread::available_parallelism().map_or(1, |count| count.get() as u32),
        bytes_in,
        bytes_out,
        packets_in: sfu(&["packets_in_total"]),
        packets_out: sfu(&["packets_out_total"]),
        media: sfu(&["media_in_total", "media_out_total"]),
        lost: sfu(&["missing_total", "nacked_total"]),
        meetings: signaling("meetings"),
        people: signaling("people_present"),
        disk: (disk.total > 0).then(|| (disk.total - disk.free) as f64 * 100.0 / disk.total as f64),
    }
}

/// `None` if one of them is missing.
fn sum(metrics: &[Metrics], prefix: &str, names: &[&str]) -> Option<f64> {
    let value = |name: &&str| metrics.iter().find_map(|it| it.value(&format!("{prefix}{name}")));
    names.iter().map(value).sum()
}

fn cpu_seconds() -> Option<f64> {
    let group = fs::read_to_string(CONTROL_GROUP).ok().and_then(|text| of_control_group(&text));
    group.or_else(|| of_proc(&fs::read_to_string(PROC_STAT).ok()?))
}

/// cgroups(7), "CPU": `usage_usec`.
fn of_control_group(text: &str) -> Option<f64> {
    let microseconds = text.lines().find_map(|line| line.strip_prefix("usage_usec "))?;
    Some(microseconds.trim().parse::<f64>().ok()? / 1e6)
}

/// proc_stat(5): user, nice, system, idle, iowait, irq, softirq, steal.
fn of_proc(text: &str) -> Option<f64> {
    let ticks = text.lines().next()?.strip_prefix("cpu ")?;
    let ticks: Vec<f64> = ticks.split_whitespace().map_while(|word| word.parse().ok()).collect();
    let busy = [0, 1, 2, 5, 6, 7].iter().map(|at| ticks.get(*at).copied()).sum::<Option<f64>>()?;
    Some(busy / TICKS_PER_SECOND)
}

/// Bytes in and out of all devices; where there is none, of whatever is not the loopback. Bonds and VLANs would
/// count what their ports count already.
fn traffic(folder: &Path) -> Option<(f64, f64)> {
    let all: Vec<PathBuf> = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).collect();
    let devices: Vec<&PathBuf> = all.iter().filter(|path| path.join("device").exists()).collect();
    let others = || all.iter().filter(|path| !path.ends_with(LOOPBACK)).collect();
    let counted: Vec<&PathBuf> = if devices.is_empty() { others() } else { devices };
    let count = |name: &str| -> f64 {
        let read = |path: &&PathBuf| fs::read_to_string(path.join("statistics").join(name)).ok();
        counted.iter().filter_map(read).filter_map(|text| text.trim().parse::<f64>().ok()).sum()
    };
    Some((count("rx_bytes"), count("tx_bytes")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_as_the_kernel_writes_it() {
        let group = "usage_usec 12500000\nuser_usec 1\nsystem_usec 2\n";
        assert_eq!(of_control_group(group), Some(12.5));
        assert_eq!(of_control_group(""), None);
        assert_eq!(of_proc("cpu  100 20 30 9999 50 1 2 3 0 0\ncpu0 1\n"), Some(1.56));
        assert_eq!(of_proc("cpu  100 20\n"), None);
    }

    #[test]
    fn traffic_of_devices_is_counted_once() {
        let folder = tempfile::tempdir().unwrap();
        let add = |name: &str, device: bool, bytes: &str| {
            let port = folder.path().join(name);
            fs::create_dir_all(port.join("statistics")).unwrap();
            fs::write(port.join("statistics/rx_bytes"), format!("{bytes}\n")).unwrap();
            fs::write(port.join("statistics/tx_bytes"), "7\n").unwrap();
            if device {
                fs::create_dir(port.join("device")).unwrap();
            }
        };
        add("lo", false, "1000000");
        add("veth0", false, "5");
        assert_eq!(traffic(folder.path()), Some((5.0, 7.0)));
        add("eth0", true, "100");
        add("eth1", true, "200");
        add("bond0", false, "300");
        assert_eq!(traffic(folder.path()), Some((300.0, 14.0)));
    }
}
