//! What an administrator sends to who helps them (NT4): shown before it is saved, and sent by nobody else.

use crate::journal;
use crate::machine::Machine;
use crate::metrics;
use plenum_protocol::manager::{LogPriority, LogQuery, Overview, SupportBundle, SupportPart, SupportWhat};
use std::collections::BTreeSet;

/// Stands for an account, and for an address of mail.
const SOMEBODY: &str = "[somebody]";

/// `settings` without anything secret; `accounts` are names that must not appear.
pub async fn bundle(
    machine: &Machine,
    overview: &Overview,
    settings: String,
    accounts: &BTreeSet<String>,
) -> SupportBundle {
    let query = LogQuery { unit: String::new(), priority: LogPriority::Info, after: None };
    let log = match journal::read(query).await {
        Ok(page) => page
            .lines
            .iter()
            .map(|line| format!("{} {:?} {} {}\n", line.at, line.priority, line.unit, line.text))
            .collect(),
        Err(error) => format!("{error:#}\n"),
    };
    let pretty = |value: &serde_json::Value| serde_json::to_string_pretty(value).unwrap_or_default();
    let mut about = serde_json::to_value(overview).unwrap_or_default();
    let problems = about.as_object_mut().and_then(|about| about.remove("problems")).unwrap_or_default();
    let parts = [
        (SupportWhat::About, pretty(&about)),
        (SupportWhat::Problems, pretty(&problems)),
        (SupportWhat::Settings, settings),
        (SupportWhat::Metrics, metrics::merge(&metrics::gather(machine.metrics_sockets()).await)),
        (SupportWhat::Log, log),
    ];
    let parts =
        parts.map(|(what, text)| SupportPart { what, text: without_people(&text, accounts) }).to_vec();
    SupportBundle { name: format!("{}-support.txt", overview.host_name), parts }
}

/// Whoever wrote a name into a setting or a log: it does not leave the box.
fn without_people(text: &str, accounts: &BTreeSet<String>) -> String {
    let part = |char: char| char.is_alphanumeric() || ".-_@+".contains(char);
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let word = rest.find(|char| !part(char)).unwrap_or(rest.len());
        let (name, after) = rest.split_at(word);
        let is_mail = name.split_once('@').is_some_and(|(user, host)| !user.is_empty() && host.contains('.'));
        let somebody = is_mail || accounts.contains(&name.to_lowercase());
        clean += if somebody { SOMEBODY } else { name };
        let other = after.find(part).unwrap_or(after.len());
        clean += &after[..other];
        rest = &after[other..];
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nt4_nobody_is_named() {
        let accounts = BTreeSet::from(["ada".to_owned(), "jörg@example.org".to_owned()]);
        let clean = without_people(
            "ada signed in; Jörg@example.org, bob@mail.example: adamant, (Ada) plenum@1.service\n",
            &accounts,
        );
        assert_eq!(clean, "[somebody] signed in; [somebody], [somebody]: adamant, ([somebody]) [somebody]\n");
    }
}
