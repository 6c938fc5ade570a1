use super::*;
use std::os::unix::fs::PermissionsExt;

const NAMES: [&str; 4] = ["box.example", "*.meet.example", "192.0.2.1", "2001:db8::1"];

struct Made {
    _dir: tempfile::TempDir,
    files: Files,
    names: Vec<String>,
    now: SystemTime,
}

impl Made {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let files = Files::in_dir(&dir.path().join("web"));
        Made { _dir: dir, files, names: NAMES.map(str::to_owned).to_vec(), now: SystemTime::now() }
    }

    fn ensure(&self) -> bool {
        ensure(&self.files, &self.names, self.now).unwrap()
    }

    fn accepts(&self, name: &str, then: SystemTime) -> bool {
        let chain = fs::read(&self.files.certificate).unwrap();
        accepted(&self.files, &chain, &[name.to_owned()], then).is_some()
    }

    /// Whether a certificate that a thief of the authority's key makes would be accepted.
    fn would_vouch_for(&self, name: &str) -> bool {
        let key = KeyPair::from_pem(&fs::read_to_string(&self.files.authority_key).unwrap()).unwrap();
        let issuer = Issuer::new(authority_params(&self.names, self.now).unwrap(), key);
        let names = [name.to_owned()];
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let stolen = server_params(&names, self.now).unwrap().signed_by(&key, &issuer).unwrap();
        accepted(&self.files, stolen.pem().as_bytes(), &names, self.now).is_some()
    }

    fn authority(&self) -> Vec<u8> {
        fs::read(&self.files.authority).unwrap()
    }
}

#[test]
fn it_is_made_once_and_good_for_its_names() {
    let it = Made::new();
    assert!(it.ensure());
    assert!(!it.ensure());
    assert!(it.names.iter().all(|name| it.accepts(name, it.now)));
    assert!(!it.accepts("other.example", it.now));
    assert!(!it.accepts("192.0.2.2", it.now));
    for (file, mode) in
        [(&it.files.key, 0o600), (&it.files.authority_key, 0o600), (&it.files.certificate, 0o644)]
    {
        assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, mode, "{}", file.display());
    }
}

#[test]
fn en1_it_is_valid_for_less_than_398_days_and_renewed_before_its_end() {
    let mut it = Made::new();
    it.ensure();
    let authority = it.authority();
    assert!(it.accepts("box.example", it.now + 395 * DAY));
    assert!(!it.accepts("box.example", it.now + 397 * DAY));
    it.now += 360 * DAY;
    assert!(!it.ensure());
    it.now += 10 * DAY;
    assert!(it.ensure(), "less than 30 days are left");
    assert!(it.authority() == authority, "what users have imported stays valid");
    assert!(it.accepts("box.example", it.now + 390 * DAY));
    it.now += 3_000 * DAY;
    assert!(it.ensure());
    assert!(it.authority() != authority, "the authority would expire before the certificate");
    assert!(it.accepts("box.example", it.now + 390 * DAY));
}

#[test]
fn other_names_need_another_authority() {
    let mut it = Made::new();
    it.ensure();
    let authority = it.authority();
    it.names.push("new.example".to_owned());
    assert!(it.ensure());
    assert!(it.authority() != authority);
    assert!(it.accepts("new.example", it.now));
}

#[test]
fn the_authority_vouches_for_nobody_else() {
    let it = Made::new();
    it.ensure();
    assert!(it.would_vouch_for("box.example"));
    assert!(!it.would_vouch_for("bank.example"));
    assert!(!it.would_vouch_for("192.0.2.2"));
    assert!(!it.would_vouch_for("2001:db8::2"));
}

#[test]
fn an_authority_for_addresses_only_vouches_for_no_host_name() {
    let mut it = Made::new();
    it.names = vec!["192.0.2.1".to_owned()];
    it.ensure();
    assert!(it.would_vouch_for("192.0.2.1"));
    assert!(!it.would_vouch_for("bank.example"));
    assert!(!it.would_vouch_for("2001:db8::1"));
}

#[test]
fn damage_is_mended() {
    let it = Made::new();
    it.ensure();
    let authority = it.authority();
    for damage in [
        |files: &Files| fs::write(&files.key, "rubbish").unwrap(),
        |files: &Files| fs::remove_file(&files.certificate).unwrap(),
        |files: &Files| fs::copy(&files.authority_key, &files.key).map(|_| ()).unwrap(),
        |files: &Files| fs::write(&files.certificate, "").unwrap(),
    ] {
        damage(&it.files);
        assert!(it.ensure());
        certificates::load(&it.files.certificate, &it.files.key).unwrap();
        assert!(it.authority() == authority);
    }
    fs::remove_file(&it.files.authority_key).unwrap();
    assert!(!it.ensure(), "the server's certificate is still good");
    fs::write(&it.files.authority, "rubbish").unwrap();
    assert!(it.ensure());
    assert!(it.accepts("box.example", it.now));
}
