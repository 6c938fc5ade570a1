//! The audit log as a file that proves where it comes from: a line of JSON for what it is, one for each entry, and one
//! with a signature over all lines before (LG5): Ed25519 (RFC 8032), the key in hexadecimal digits, the signature in base64.

use super::Numbered;
use anyhow::{Context, Result, bail, ensure};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use plenum_protocol::update::PublicKey;
use plenum_store::{Category, Field, Retention, Stored};
use serde::{Deserialize, Serialize};

const FORMAT: &str = "plenum-audit-1";
const SEED_BYTES: usize = 32;

/// What signs; it does not leave the box, not even in a backup.
#[derive(Clone, Serialize, Deserialize)]
pub struct Signer {
    /// Of the private key (RFC 8032 section 5.1.5), in base64.
    seed: String,
}

impl Stored for Signer {
    type Key = ();
    const TREE: &'static str = "audit_signer";
    const CATEGORY: Category = Category::Credential;
    const PURPOSE: &'static str = "signs saved audit logs";
    const RETENTION: Retention = Retention::UntilRemoved("a factory reset");
    const KEY: Field = Field::new("", "there is only one");
    const FIELDS: &'static [Field] = &[Field::new("seed", "private Ed25519 key")];
}

#[derive(Serialize, Deserialize)]
struct Head {
    format: String,
    host: String,
    /// When it was saved, in milliseconds since 1970.
    at: u64,
    key: String,
}

#[derive(Serialize, Deserialize)]
struct Foot {
    entries: u64,
    signature: String,
}

impl Signer {
    pub fn random(fill: &mut dyn FnMut(&mut [u8])) -> Signer {
        let mut seed = [0; SEED_BYTES];
        fill(&mut seed);
        Signer { seed: STANDARD.encode(seed) }
    }

    fn pair(&self) -> Result<Ed25519KeyPair> {
        let seed = STANDARD.decode(&self.seed).context("the key of the audit log is damaged")?;
        Ed25519KeyPair::from_seed_unchecked(&seed).ok().context("the key of the audit log is damaged")
    }

    /// What a reader compares.
    pub fn public(&self) -> Result<String> {
        Ok(PublicKey(self.pair()?.public_key().as_ref().try_into()?).to_string())
    }

    /// `entries` from the oldest on.
    pub fn file(&self, host: &str, at: u64, entries: &[Numbered]) -> Result<String> {
        let (pair, key) = (self.pair()?, self.public()?);
        let mut text = String::new();
        line(&mut text, &Head { format: FORMAT.to_owned(), host: host.to_owned(), at, key })?;
        for entry in entries {
            line(&mut text, entry)?;
        }
        let signature = STANDARD.encode(pair.sign(text.as_bytes()));
        line(&mut text, &Foot { entries: entries.len() as u64, signature })?;
        Ok(text)
    }
}

fn line(text: &mut String, value: &impl Serialize) -> Result<()> {
    *text += &serde_json::to_string(value)?;
    text.push('\n');
    Ok(())
}

/// A file that is as the box has written it.
#[derive(Debug, PartialEq, Eq)]
pub struct Verified {
    pub host: String,
    pub at: u64,
    /// Whoever has this key could have made the file: it has to be the box's.
    pub key: String,
    pub entries: u64,
    /// Numbers of the first and the last entry.
    pub numbers: Option<(u64, u64)>,
}

/// Fails with the first thing that is wrong.
pub fn verify(text: &str) -> Result<Verified> {
    let body = text.strip_suffix('\n').context("it is cut off: the last line has no end")?;
    let (before, foot) = body.rsplit_once('\n').context("it is no audit log of Plenum")?;
    let signed = &text[..=before.len()];
    let mut lines = signed.lines();
    let head: Head = lines
        .next()
        .and_then(|line| serde_json::from_str(line).ok())
        .filter(|head: &Head| head.format == FORMAT)
        .with_context(|| format!("it is no audit log of Plenum: the first line does not name {FORMAT}"))?;
    let foot: Foot = serde_json::from_str(foot).context("it is cut off: the last line is no signature")?;
    let key: PublicKey = head.key.parse().map_err(anyhow::Error::msg)?;
    let signature = STANDARD.decode(&foot.signature).context("the signature is none")?;
    let valid = UnparsedPublicKey::new(&ED25519, &key.0).verify(signed.as_bytes(), &signature);
    ensure!(valid.is_ok(), "it was changed: the signature does not fit");
    let mut entries: Vec<Numbered> = Vec::new();
    for (index, line) in lines.enumerate() {
        let next: Numbered =
            serde_json::from_str(line).with_context(|| format!("line {}: this is no entry", index + 2))?;
        let fits = match entries.last() {
            Some(last) => next.number == last.number + 1 && next.entry.follows(Some(last.entry.hash)),
            None => next.number != 1 || next.entry.follows(None),
        };
        if !fits {
            bail!("line {}: entry {} was changed, or one before it is missing", index + 2, next.number);
        }
        entries.push(next);
    }
    let count = entries.len() as u64;
    ensure!(count == foot.entries, "there are {count} entries, and the last line names {}", foot.entries);
    let numbers = entries.first().zip(entries.last()).map(|(first, last)| (first.number, last.number));
    Ok(Verified { host: head.host, at: head.at, key: head.key, entries: count, numbers })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::after;
    use crate::audit::tests::{log, store};

    fn signer() -> Signer {
        Signer::random(&mut |bytes| bytes.fill(7))
    }

    fn entries(count: u64) -> Vec<Numbered> {
        let directory = tempfile::tempdir().unwrap();
        let store = store(directory.path());
        log(&store, count);
        after(&store, 0, usize::MAX).unwrap()
    }

    fn file(count: u64) -> String {
        signer().file("box.example.org", 1, &entries(count)).unwrap()
    }

    #[test]
    fn lg5_a_saved_log_proves_where_it_comes_from() {
        let found = verify(&file(3)).unwrap();
        assert_eq!((found.host.as_str(), found.entries), ("box.example.org", 3));
        assert_eq!(found.numbers, Some((1, 3)));
        assert_eq!(found.key, signer().public().unwrap());
        assert_eq!(verify(&file(0)).unwrap().numbers, None);
    }

    #[test]
    fn lg5_every_change_of_a_saved_log_shows() {
        let whole = file(3);
        for place in 0..whole.len() {
            let mut bytes = whole.clone().into_bytes();
            bytes[place] ^= 1;
            let changed = String::from_utf8(bytes);
            assert!(changed.is_err() || verify(&changed.unwrap()).is_err(), "byte {place}");
            assert!(verify(&whole[..place]).is_err(), "cut at byte {place}");
        }
        let without: Vec<&str> =
            whole.lines().enumerate().filter(|(at, _)| *at != 2).map(|it| it.1).collect();
        assert!(verify(&format!("{}\n", without.join("\n"))).is_err());
    }

    #[test]
    fn lg5_whoever_has_the_key_cannot_leave_an_entry_out_either() {
        let mut entries = entries(3);
        entries.remove(1);
        entries[1].number = 2;
        let error = verify(&signer().file("box", 1, &entries).unwrap()).unwrap_err().to_string();
        assert!(error.contains("line 3"), "{error}");
    }

    #[test]
    fn dm1_every_stored_field_is_declared() {
        plenum_store::check_fields(&[signer()]).unwrap();
    }
}
