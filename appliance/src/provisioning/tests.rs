use super::*;

/// The example with one thing changed.
fn changed(from: &str, to: &str) -> Vec<Finding> {
    assert!(EXAMPLE.contains(from), "{from}");
    read(&EXAMPLE.replacen(from, to, 1), SystemTime::now()).err().unwrap_or_default()
}

/// The only finding, with the text of its line.
fn one(from: &str, to: &str) -> (String, String, String) {
    let findings = changed(from, to);
    assert_eq!(findings.len(), 1, "{from} → {to}: {findings:?}");
    let text = EXAMPLE.replacen(from, to, 1);
    let line = text.lines().nth(findings[0].line - 1).unwrap_or_default().to_owned();
    (line, findings[0].key.clone(), findings[0].what.clone())
}

#[test]
fn the_example_is_what_it_shows() {
    let read = read(EXAMPLE, SystemTime::now()).unwrap();
    assert_eq!((read.administrators.len(), read.auditors.len()), (1, 1));
    assert_eq!(read.host_name.unwrap().host_name, "konferenz.example.org");
    assert_eq!(read.network.unwrap().ports, ["enp1s0"]);
    assert_eq!(read.institution.unwrap().colour, "#0b5cad");
    assert!(read.certificate.is_none() && read.acme.is_none() && read.backup_key.is_none());
    assert_eq!(read.mail.unwrap().settings.recipients, ["it@example.org"]);
    assert_eq!(read.backup.unwrap().keep, 14);
}

/// What the example only shows behind a `#` is what it says it is.
#[test]
fn the_sections_that_are_left_out_can_be_put_in() {
    let shown: String = EXAMPLE
        .split_inclusive('\n')
        .skip_while(|line| *line != "# [acme]\n")
        .take_while(|line| *line != "\n")
        .filter(|line| !line.contains("authorities") && !line.starts_with("# External"))
        .map(|line| line.trim_start_matches("# "))
        .collect();
    let key = "ABCD-EFGH-JKLM-NPQR-STUV-WXYZ-2345-6789";
    let text = EXAMPLE.replace("# key = \"32 letters and digits\"", &format!("key = \"{key}\""));
    let text = text + &shown.replace("\"base64url\"", "\"c2l4dGVlbiBieXRlcyBvZiBrZXk\"");
    let read = read(&text, SystemTime::now()).unwrap();
    let acme = read.acme.unwrap().settings;
    assert!(acme.enabled && acme.binding_key.is_none(), "the key is kept apart");
    assert_eq!(
        (acme.directory.as_str(), acme.binding_key_id.as_str()),
        ("https://acme.example.org/directory", "customer 7")
    );
    assert_eq!(read.backup_key.unwrap().shown(), key);
}

#[test]
fn broken_files_name_line_and_remedy() {
    for (from, to, line, key, what) in [
        ("version = 1", "version = 2", "version = 2", "version", "write `version = 1`"),
        (
            "gateway = \"192.0.2.1\"",
            "gateway = \"198.51.100.1\"",
            "gateway",
            "network.ipv4.gateway",
            "in the network",
        ),
        ("prefix = 24", "prefix = 33", "prefix = 33", "network.ipv4.prefix", "1 to 32"),
        ("ports = [\"enp1s0\"]", "ports = []", "ports = []", "network.ports", "one port"),
        ("# vlan = 42", "vlan = 5000", "vlan = 5000", "network.vlan", "1 to 4094"),
        ("imprint = \"https:", "imprint = \"http:", "imprint", "institution.imprint", "https://"),
        ("colour = \"#0b5cad\"", "colour = \"blue\"", "colour", "institution.colour", "#0a626c"),
        ("colour = \"#0b5cad\"", "logo = \"AAAA\"", "logo", "institution.logo", "administration"),
        (
            "host_name = \"konferenz.",
            "host_name = \"kon ferenz.",
            "host_name",
            "host_name",
            "letters, digits and hyphens",
        ),
        (
            "password = \"and another sentence for him\"",
            "password = \"short\"",
            "password",
            "auditor.password",
            "12",
        ),
        (
            "second_factor = \"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\"",
            "second_factor = \"123\"",
            "second_factor",
            "administrator.second_factor",
            "base32",
        ),
        (
            "time_servers = [\"time.example.org\"]",
            "time_servers = [\"a b\"]",
            "time_servers",
            "time_servers",
            "host name",
        ),
        ("port = 465", "port = 0", "port = 0", "mail.port", "1 to 65535"),
        ("password = \"what the server knows\"\n", "", "[mail]", "mail.password", "missing"),
        ("daily_at = \"02:00\"", "daily_at = \"2 pm\"", "daily_at", "backup.daily_at", "02:00"),
        ("# key = \"32 letters and digits\"", "key = \"short\"", "key = ", "backup.key", "backup-key"),
        (
            "# [acme]\n# directory = \"https:",
            "[acme]\ndirectory = \"http:",
            "directory",
            "acme.directory",
            "https://",
        ),
        ("\"bob@example.org\"", "\"Ada@example.org\"", "name", "auditor.name", "another name"),
    ] {
        let (found_line, found_key, found_what) = one(from, to);
        assert!(found_line.starts_with(line), "{to}: {found_line}");
        assert_eq!(found_key, key);
        assert!(found_what.contains(what), "{to}: {found_what}");
    }
}

#[test]
fn what_is_no_file_of_this_kind_names_its_line_too() {
    let (line, key, what) = one("version = 1", "version = = 1");
    assert!(line.starts_with("version = = 1") && key.is_empty(), "{line}");
    assert!(what.contains("plenum config example"));
    let (line, _, what) = one("domains =", "domians =");
    assert!(line.starts_with("domians") && what.contains("domians"), "{line}: {what}");
    let (line, _, what) = one("colour =", "color =");
    assert!(line.starts_with("color") && what.contains("color"), "{line}: {what}");
    let (line, ..) = one("mode = \"automatic\"", "mode = \"magic\"");
    assert!(!line.is_empty());
}

#[test]
fn a_value_of_another_type_is_not_repeated() {
    let right = "password = \"choose a sentence of your own\"";
    let (line, _, what) = one(right, "password = 493827165048");
    assert!(line.starts_with("password"), "{line}");
    assert!(what.contains("another type is expected here: a string;"), "{what}");
    assert!(!what.contains("493827165048"), "{what}");
    let (_, _, what) = one("port = 465", "port = \"secret, expected by nobody\"");
    assert!(what.contains("expected here: u16;") && !what.contains("secret"), "{what}");
    assert_eq!(
        told("invalid value: integer `300`, expected u8"),
        "a value of another type is expected here: u8"
    );
    assert_eq!(told("invalid type: integer `300`"), "a value of another type is expected here");
}

#[test]
fn ports_that_this_machine_lacks_are_named() {
    let found = |ports: &[&str]| {
        let ports: Vec<String> = ports.iter().map(|port| (*port).to_owned()).collect();
        read_for(EXAMPLE, Some(&ports), SystemTime::now()).err().unwrap_or_default()
    };
    assert!(found(&["enp1s0", "enp2s0"]).is_empty());
    let findings = found(&["enp2s0", "enp3s0"]);
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(findings[0].key, "network.ports");
    assert!(EXAMPLE.lines().nth(findings[0].line - 1).unwrap().starts_with("ports = "));
    assert_eq!(findings[0].what, "there is no port enp1s0: this machine has enp2s0, enp3s0");
    assert!(found(&[])[0].what.contains("leave this key out"));
    assert_eq!(ports_of(EXAMPLE), ["enp1s0"]);
    assert!(ports_of("version = = 1").is_empty());
}

#[test]
fn all_that_is_wrong_is_named_at_once() {
    let text = EXAMPLE.replace("prefix = 24", "prefix = 0").replace("version = 1", "version = 9");
    let findings = read(&text, SystemTime::now()).err().unwrap();
    assert_eq!(findings.len(), 2, "{findings:?}");
    assert_eq!(read("version = 1", SystemTime::now()).err().unwrap().len(), 1, "nobody could administer it");
}

#[test]
fn a_certificate_of_another_name_is_refused() {
    let key = rcgen::KeyPair::generate().unwrap();
    let made =
        rcgen::CertificateParams::new(["other.example".to_owned()]).unwrap().self_signed(&key).unwrap();
    let section = |chain: &str, key: &str| {
        format!("{EXAMPLE}\n[certificate]\nchain = '''\n{chain}'''\nkey = '''\n{key}'''\n")
    };
    let text = section(&made.pem(), &key.serialize_pem());
    let findings = read(&text, SystemTime::now()).err().unwrap();
    assert_eq!((findings.len(), findings[0].key.as_str()), (1, "certificate.chain"), "{findings:?}");
    assert!(text.lines().nth(findings[0].line - 1).unwrap().starts_with("chain"));
    let findings = read(&section("x", "y"), SystemTime::now()).err().unwrap();
    assert_eq!(findings[0].what, "there is no certificate in PEM");
}
