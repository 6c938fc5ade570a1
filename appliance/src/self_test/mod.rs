//! The box tests itself: what a person would otherwise find out in the first meeting.

pub(crate) mod capacity;
pub(crate) mod dns;

use crate::machine::Machine;
use crate::mail::{self, Relay};
use crate::sources::Proxy;
use plenum_protocol::manager::{
    CertificateInfo, CertificateKind, Check, Checked, NetworkState, Outcome, SelfTest, SetupStep,
    UpdateSource,
};
use std::net::IpAddr;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// A meeting server that hangs is one that does not answer.
const HOST_KEY_LIMIT: Duration = Duration::from_secs(5);
/// A time server that was just named takes some seconds to set the clock.
const CLOCK_LIMIT: Duration = Duration::from_secs(8);
const CLOCK_POLL: Duration = Duration::from_millis(250);

/// What the settings say.
pub struct Wanted {
    /// Empty where nobody has said one.
    pub host_name: String,
    pub certificate: CertificateKind,
    /// The source of updates and the way to it, if there is one.
    pub updates: Option<(UpdateSource, Proxy)>,
    /// The server that takes the box's mail, if there is one.
    pub mail: Option<Relay>,
    /// Whether backups have a key.
    pub backup_key: bool,
}

/// Takes as long as the DNS and the update source do, some seconds at the most.
pub async fn run(machine: &Machine, wanted: &Wanted) -> SelfTest {
    let measured = tokio::task::spawn_blocking(capacity::measure);
    let network = machine.network(None);
    let addresses = own_addresses(&network);
    let ((forward, reverse), certificate, updates, mail, meetings, host_key) = tokio::join!(
        names(machine, &wanted.host_name, &addresses),
        machine.certificate(),
        updates(machine, wanted.updates.as_ref()),
        try_mail(wanted.mail.as_ref()),
        machine.meetings(),
        timeout(HOST_KEY_LIMIT, machine.host_key()),
    );
    let clock = crate::machine::clock();
    let disk = machine.disk();
    let host_key = host_key.ok().flatten();
    let text: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    let checks = vec![
        check(Checked::Address, yes(!addresses.is_empty(), Outcome::Failed), text.join(", ")),
        forward,
        reverse,
        time(clock.synchronized),
        judge(certificate.as_ref(), wanted),
        updates,
        mail,
        check(Checked::Media, yes(meetings.known, Outcome::Failed), ""),
        check(Checked::Meetings, yes(host_key.is_some(), Outcome::Failed), ""),
        check(Checked::Disk, yes(!crate::machine::is_low(disk), Outcome::Warning), ""),
        check(Checked::Backup, yes(wanted.backup_key, Outcome::Warning), ""),
    ];
    let packet = measured.await.unwrap_or(u32::MAX);
    SelfTest { at: clock.now, checks, capacity: capacity::of_this_machine(packet, &network.ports) }
}

/// What a step of the set-up has stored, tried out; empty where there is nothing to try.
/// Takes as long as the servers of others do, some seconds at the most.
pub async fn step(machine: &Machine, wanted: &Wanted, step: SetupStep) -> Vec<Check> {
    match step {
        SetupStep::Name => {
            let own = own_addresses(&machine.network(None));
            let (forward, reverse) = names(machine, &wanted.host_name, &own).await;
            vec![forward, reverse]
        }
        SetupStep::Time => vec![time(clock_is_set().await)],
        SetupStep::Mail => vec![try_mail(wanted.mail.as_ref()).await],
        SetupStep::Updates => vec![updates(machine, wanted.updates.as_ref()).await],
        SetupStep::Restore | SetupStep::Network | SetupStep::Institution | SetupStep::Test => Vec::new(),
    }
}

fn own_addresses(network: &NetworkState) -> Vec<IpAddr> {
    network.addresses.iter().copied().filter(|it| !it.is_loopback()).collect()
}

fn yes(good: bool, otherwise: Outcome) -> Outcome {
    if good { Outcome::Good } else { otherwise }
}

fn time(synchronized: bool) -> Check {
    check(Checked::Time, yes(synchronized, Outcome::Warning), "")
}

/// A time server gets its time to set it.
async fn clock_is_set() -> bool {
    let set = async {
        while !crate::machine::clock().synchronized {
            sleep(CLOCK_POLL).await;
        }
    };
    timeout(CLOCK_LIMIT, set).await.is_ok()
}

fn check(what: Checked, outcome: Outcome, detail: impl Into<String>) -> Check {
    Check { what, outcome, detail: detail.into() }
}

/// A name may lead to an address that a firewall translates: no fault, and worth a look.
async fn names(machine: &Machine, host_name: &str, own: &[IpAddr]) -> (Check, Check) {
    let skipped = |what| check(what, Outcome::Skipped, "");
    let Some(bus) = machine.bus().filter(|_| !host_name.is_empty()) else {
        return (skipped(Checked::DnsForward), skipped(Checked::DnsReverse));
    };
    let found = dns::addresses(bus, host_name).await;
    let forward = match &found {
        Err(reason) => check(Checked::DnsForward, Outcome::Failed, format!("{host_name}: {reason}")),
        Ok(found) => {
            let outcome =
                if found.iter().any(|it| own.contains(it)) { Outcome::Good } else { Outcome::Warning };
            let found: Vec<String> = found.iter().map(ToString::to_string).collect();
            check(Checked::DnsForward, outcome, format!("{host_name}: {}", found.join(", ")))
        }
    };
    let Some(address) = found.ok().and_then(|found| found.into_iter().find(|it| own.contains(it))) else {
        return (forward, skipped(Checked::DnsReverse));
    };
    let reverse = match dns::names(bus, address).await {
        Err(reason) => check(Checked::DnsReverse, Outcome::Warning, format!("{address}: {reason}")),
        Ok(names) => {
            let good = names.iter().any(|name| name.trim_end_matches('.').eq_ignore_ascii_case(host_name));
            let outcome = if good { Outcome::Good } else { Outcome::Warning };
            check(Checked::DnsReverse, outcome, format!("{address}: {}", names.join(", ")))
        }
    };
    (forward, reverse)
}

fn judge(shown: Option<&CertificateInfo>, wanted: &Wanted) -> Check {
    let Some(shown) = shown else {
        return check(Checked::Certificate, Outcome::Failed, "the pages do not answer");
    };
    let is_for = |name: &str| {
        shown.names.iter().any(|it| {
            let wild = it
                .strip_prefix("*.")
                .is_some_and(|rest| name.split_once('.').is_some_and(|(_, it)| it == rest));
            wild || it.eq_ignore_ascii_case(name)
        })
    };
    match wanted.certificate {
        // It gets its name when the set-up is over.
        CertificateKind::Own => check(Checked::Certificate, Outcome::Warning, ""),
        _ if !wanted.host_name.is_empty() && !is_for(&wanted.host_name) => {
            check(Checked::Certificate, Outcome::Failed, format!("it is for {}", shown.names.join(", ")))
        }
        _ => check(Checked::Certificate, Outcome::Good, shown.issuer.clone()),
    }
}

async fn updates(machine: &Machine, wanted: Option<&(UpdateSource, Proxy)>) -> Check {
    let Some((source, proxy)) = wanted else {
        return check(Checked::UpdateSource, Outcome::Skipped, "");
    };
    let looked = async {
        let updates = machine.updates()?;
        updates.configure(source.clone(), proxy.clone()).await?;
        updates.look().await
    };
    match looked.await {
        Ok(state) => check(Checked::UpdateSource, Outcome::Good, state.available),
        Err(refused) => check(Checked::UpdateSource, Outcome::Failed, refused.to_string()),
    }
}

async fn try_mail(relay: Option<&Relay>) -> Check {
    let Some(relay) = relay else { return check(Checked::Mail, Outcome::Skipped, "") };
    match mail::try_out(relay).await {
        Ok(()) => check(Checked::Mail, Outcome::Good, ""),
        Err(failure) => check(Checked::Mail, Outcome::Failed, failure.said),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_judged_by_the_name_of_the_box() {
        let shown = |names: &[&str]| CertificateInfo {
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            ..CertificateInfo::default()
        };
        let outcome = |names: &[&str], kind| {
            let wanted = Wanted {
                host_name: "plenum.example.org".into(),
                certificate: kind,
                updates: None,
                mail: None,
                backup_key: true,
            };
            judge(Some(&shown(names)), &wanted).outcome
        };
        assert_eq!(outcome(&["plenum.example.org"], CertificateKind::Uploaded), Outcome::Good);
        assert_eq!(outcome(&["*.example.org"], CertificateKind::Uploaded), Outcome::Good);
        assert_eq!(outcome(&["*.org"], CertificateKind::Uploaded), Outcome::Failed);
        assert_eq!(outcome(&["other.example.org"], CertificateKind::Uploaded), Outcome::Failed);
        assert_eq!(outcome(&["plenum.example.org"], CertificateKind::Own), Outcome::Warning);
    }
}
