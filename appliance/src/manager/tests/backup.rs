use super::super::SCHEMA;
use super::super::backup::BACKED_UP;
use super::*;
use crate::backup::contents::Left;
use crate::backup::seal::Key;
use crate::logo;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use plenum_protocol::manager::{BackupKeyState, InstitutionLogo};
use plenum_store::{Category, Field, Options, Retention, Stored};
use serde::{Deserialize, Serialize};

const KEY: &str = "ABCD-EFGH-JKLM-NPQR-STUV-WXYZ-2345-6789";

/// So long.
fn png(length: usize) -> Vec<u8> {
    let mut image = logo::tests::png(64, 64);
    image.resize(length, 7);
    image
}

/// DM6
#[test]
fn another_box_takes_a_backup_and_what_was_deleted_since_stays_deleted() {
    let (mut first, ada, _) = House::ready();
    first.account(&ada, "carl", AdminRole::Auditor);
    let institution =
        Institution { name: "Example".into(), colour: "#ffcc00".into(), ..Institution::default() };
    first.manager.set_area(&ada, institution, first.now()).unwrap();
    let logo = |revision, length| InstitutionLogo { revision, logo: STANDARD.encode(png(length)) };
    first.manager.set_logo(&ada, &logo(1, 5_000), first.now()).unwrap();
    let dump = first.manager.export(first.now()).unwrap();
    let text = String::from_utf8(dump.clone()).unwrap();
    assert!(!text.contains("\"audit\""), "the audit log stays with the machine");
    first.manager.remove_account(&ada, "carl", first.now()).unwrap();
    let left = Left { accounts: first.manager.account_names().unwrap(), rooms: Vec::new() };

    let second = House::new();
    let setup = second.setup();
    second.manager.set_logo(&setup, &logo(0, 90_000), second.now()).unwrap();
    let scratch = second.directory.path().join("scratch");
    let key = Key::typed(KEY).unwrap();
    let taken = second.manager.restore(&setup, "box", (&dump, &key), Some(&left), &scratch, second.now());
    let taken = taken.unwrap();
    assert_eq!((taken.accounts, taken.accounts_left_out), (2, 1));
    assert!(!scratch.exists());
    assert_eq!(second.manager.account_names().unwrap(), left.accounts);
    let institution = second.manager.public_institution().unwrap();
    assert_eq!((institution.name.as_str(), institution.colour.as_str()), ("Example", "#ffcc00"));
    assert!(
        second.manager.logo().unwrap().unwrap().image == png(5_000),
        "that of the backup, and nothing else"
    );
    assert!(second.manager.backup_key().unwrap() == Some(key));
    let info = second.manager.info(None).unwrap();
    assert!(info.has_administrator && info.steps_done.contains(&SetupStep::Institution));
    assert!(!info.steps_done.contains(&SetupStep::Network));
}

/// As it was before there were logos and colours.
#[derive(Serialize, Deserialize)]
struct OlderInstitution {
    revision: u32,
    name: String,
}

impl Stored for OlderInstitution {
    type Key = ();
    const TREE: &'static str = "institution";
    const CATEGORY: Category = Category::Configuration;
    const PURPOSE: &'static str = "is what an older version kept";
    const RETENTION: Retention = Retention::UntilRemoved("the end of the test");
    const KEY: Field = Field::new("", "there is only one");
    const FIELDS: &'static [Field] = &[Field::new("revision", "changes"), Field::new("name", "its name")];
}

#[test]
fn an_older_backup_leaves_no_logo_behind() {
    let second = House::new();
    let folder = second.directory.path();
    let (scratch, key, now) = (folder.join("scratch"), Key::typed(KEY).unwrap(), second.now());
    let older = Store::open(Options::new(folder.join("older"), SCHEMA).tree::<OlderInstitution>()).unwrap();
    let kept = OlderInstitution { revision: 3, name: "Example".into() };
    older.transaction(now.wall, move |tx| tx.put(&(), &kept)).wait().unwrap();
    let dump = older.dump_trees(now.wall, &["institution"]).wait().unwrap();

    let setup = second.setup();
    let logo = InstitutionLogo { revision: 0, logo: STANDARD.encode(png(5_000)) };
    second.manager.set_logo(&setup, &logo, now).unwrap();
    second.manager.restore(&setup, "box", (&dump, &key), None, &scratch, now).unwrap();
    let institution = second.manager.public_institution().unwrap();
    assert_eq!((institution.name.as_str(), institution.colour.as_str()), ("Example", ""));
    assert_eq!(second.manager.logo().unwrap(), None);
}

#[test]
fn a_backup_is_restored_in_the_set_up_alone_and_as_a_whole() {
    let (house, ada, _) = House::ready();
    let dump = house.manager.export(house.now()).unwrap();
    let key = Key::typed(KEY).unwrap();
    let scratch = house.directory.path().join("scratch");
    let restored = house.manager.restore(&ada, "box", (&dump, &key), None, &scratch, house.now());
    assert_eq!(code_of(restored), ManagerErrorCode::NotAllowed);
    let fresh = House::new();
    let setup = fresh.setup();
    let cut = &dump[..dump.len() - 10];
    let restored = fresh.manager.restore(&setup, "box", (cut, &key), None, &scratch, fresh.now());
    assert_eq!(code_of(restored), ManagerErrorCode::BackupUnreadable);
    assert!(fresh.manager.account_names().unwrap().is_empty());
    assert!(!scratch.exists());
}

#[test]
fn a_key_of_the_backups_is_used_once_it_is_noted() {
    let (house, ada, _) = House::ready();
    let state = |house: &House| house.manager.backup_key_state().unwrap();
    assert_eq!(state(&house), (BackupKeyState::Missing, String::new()));
    let shown = house.manager.make_backup_key(&ada, house.now()).unwrap();
    let text = shown.key.unwrap();
    assert_eq!(state(&house).0, BackupKeyState::Waiting);
    assert!(house.manager.backup_key().unwrap().is_none());
    let wrong = house.manager.take_backup_key(&ada, "AAAA", house.now());
    assert_eq!(code_of(wrong.map(drop)), ManagerErrorCode::Malformed);
    let last = text.rsplit('-').next().unwrap().to_lowercase();
    house.manager.take_backup_key(&ada, &last, house.now()).unwrap();
    assert_eq!(state(&house), (BackupKeyState::Noted, shown.key_number));
    assert!(house.manager.shown_backup_key(&ada).unwrap().key.is_none(), "it is shown once");
    assert!(house.manager.backup_key().unwrap() == Key::typed(&text));
}

/// Whoever adds a stored type decides whether backups have it.
#[test]
fn bk1_every_stored_type_is_in_backups_or_stays_with_the_machine() {
    const STAYS: [&str; 10] = [
        "audit",
        "audit_head",
        "audit_signer",
        "audit_forwarding",
        "setup",
        "certificate_request",
        "backup_keys",
        "mail_told",
        "history_minute",
        "history_quarter",
    ];
    for declaration in stored_types() {
        let (backed_up, stays) = (BACKED_UP.contains(&declaration.tree), STAYS.contains(&declaration.tree));
        assert!(backed_up != stays, "{}", declaration.tree);
    }
}
