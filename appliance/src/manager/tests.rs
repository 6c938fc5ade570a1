mod accounts;
mod acme;
mod backup;
mod monitoring;

use super::*;
use crate::access::sessions::Opened;
use crate::provisioning::{EXAMPLE, Trust};
use plenum_protocol::manager::{
    AccountInfo, AuditEvent, CertificateKind, CertificateRequest, ConfirmAccount, FactoryReset, Institution,
    Ipv4Settings, ManagerErrorCode, NewAccount, NewPassword, NewSecondFactor, RenewSecondFactor, SetupStep,
    SignIn, StepDone, UploadedCertificate,
};
use std::net::IpAddr;
use tempfile::TempDir;
use totp_rs::{Algorithm, Secret, TOTP};

const PASSWORD: &str = "correct horse battery";

/// A box, its clock, and where it stores.
struct House {
    directory: TempDir,
    manager: Manager,
    seconds: u64,
}

impl House {
    fn new() -> House {
        let directory = tempfile::tempdir().unwrap();
        let manager = open(&directory, 1, 0);
        House { directory, manager, seconds: 0 }
    }

    /// The daemon starts again.
    fn restart(self) -> House {
        let House { directory, manager, seconds } = self;
        drop(manager);
        let manager = open(&directory, 2, seconds);
        House { directory, manager, seconds }
    }

    fn now(&self) -> Now {
        at(self.seconds)
    }

    fn code(&self) -> String {
        self.manager.setup_code().unwrap().unwrap()
    }

    fn setup(&self) -> Who {
        let opened = self.manager.open_setup(address(1), &self.code(), self.now()).unwrap();
        self.who(&opened)
    }

    fn who(&self, opened: &Opened) -> Who {
        self.manager.current(Some(opened.token.expose()), true, self.now()).unwrap().who
    }

    /// Makes an account and confirms it; what its device knows.
    fn account(&mut self, by: &Who, name: &str, role: AdminRole) -> NewSecondFactor {
        let typed = NewAccount { name: name.into(), password: PASSWORD.into(), role };
        let shown = self.manager.create_account(by, &typed, "box", self.now()).unwrap();
        let code = self.one_time_password(&shown);
        let typed = ConfirmAccount { name: name.into(), code };
        let info = self.manager.confirm_account(by, &typed, self.now()).unwrap();
        assert!(info.confirmed);
        // The code has been used.
        self.seconds += 60;
        shown
    }

    fn one_time_password(&self, shown: &NewSecondFactor) -> String {
        let secret = Secret::Encoded(shown.secret.clone()).to_bytes().unwrap();
        let seconds = self.now().unix_seconds();
        TOTP::new(Algorithm::SHA1, 6, 0, 30, secret).unwrap().generate(seconds)
    }

    fn sign_in(&self, name: &str, password: &str, code: Option<String>) -> Result<Opened, ManagerErrorCode> {
        let typed = SignIn { name: name.into(), password: password.into(), code };
        self.manager.sign_in(address(2), &typed, self.now()).map_err(|refused| refused.code())
    }

    /// A box with an administrator and an auditor, set up.
    fn ready() -> (House, Who, Who) {
        let (house, ada, bob, _) = House::with_device();
        (house, ada, bob)
    }

    /// And what the administrator's device knows.
    fn with_device() -> (House, Who, Who, NewSecondFactor) {
        let mut house = House::new();
        let setup = house.setup();
        let device = house.account(&setup, "ada", AdminRole::Administrator);
        let bob = house.account(&setup, "bob", AdminRole::Auditor);
        house.manager.finish_setup(&setup, house.now()).unwrap();
        let ada = house.sign_in("ada", PASSWORD, Some(house.one_time_password(&device))).unwrap();
        let bob = house.sign_in("bob", PASSWORD, Some(house.one_time_password(&bob))).unwrap();
        let (ada, bob) = (house.who(&ada), house.who(&bob));
        (house, ada, bob, device)
    }

    fn events(&self, auditor: &Who) -> Vec<AuditEvent> {
        let page = self.manager.audit(auditor, None, self.now()).unwrap();
        assert!(page.whole);
        page.entries.iter().map(|entry| entry.event).collect()
    }
}

fn open(directory: &TempDir, seed: u64, seconds: u64) -> Manager {
    let store = Store::open(options(&directory.path().join("store"))).unwrap();
    let code_file = directory.path().join("code");
    let mut rng = fastrand::Rng::with_seed(seed);
    Manager::new(store, &code_file, Box::new(move |bytes: &mut [u8]| rng.fill(bytes)), at(seconds)).unwrap()
}

fn at(seconds: u64) -> Now {
    Now {
        wall: UNIX_EPOCH + Duration::from_secs(1_800_000_000 + seconds),
        mono: Duration::from_secs(seconds),
    }
}

fn address(last: u8) -> Option<IpAddr> {
    Some(IpAddr::from([192, 0, 2, last]))
}

fn code_of<T: std::fmt::Debug>(result: Result<T, Refused>) -> ManagerErrorCode {
    result.unwrap_err().code()
}

#[test]
fn a_box_is_set_up_once_by_who_sees_its_display() {
    let mut house = House::new();
    assert_eq!(house.code().len(), 9);
    let shown = house.directory.path().join("code");
    assert_eq!(std::fs::read_to_string(&shown).unwrap().trim(), house.code());
    let wrong = house.manager.open_setup(address(1), "AAAA-AAAA", house.now());
    assert_eq!(code_of(wrong), ManagerErrorCode::WrongCredentials);
    let lower = house.code().to_lowercase().replace('-', " ");
    house.manager.open_setup(address(1), &lower, house.now()).unwrap();
    let setup = house.setup();
    assert_eq!(code_of(house.manager.finish_setup(&setup, house.now())), ManagerErrorCode::Conflict);
    house.account(&setup, "ada", AdminRole::Administrator);
    house.manager.finish_setup(&setup, house.now()).unwrap();
    assert_eq!(house.manager.setup_code().unwrap(), None);
    assert!(!shown.exists());
    let again = house.manager.open_setup(address(1), "AAAA-AAAA", house.now());
    assert_eq!(code_of(again), ManagerErrorCode::SetupOver);
    let house = house.restart();
    assert_eq!(house.manager.setup_code().unwrap(), None, "nor after a restart");
}

#[test]
fn a_set_up_goes_on_after_a_restart() {
    let house = House::new();
    let code = house.code();
    let typed = NewAccount { name: "ada".into(), password: PASSWORD.into(), role: AdminRole::Administrator };
    house.manager.create_account(&house.setup(), &typed, "box", house.now()).unwrap();
    let mut house = house.restart();
    assert_eq!(house.code(), code);
    let setup = house.setup();
    assert!(!house.manager.accounts(&setup).unwrap()[0].confirmed);
    // Whoever lost the second factor makes the account again.
    house.account(&setup, "ada", AdminRole::Administrator);
    let typed = NewAccount { name: "ADA".into(), password: PASSWORD.into(), role: AdminRole::Administrator };
    let twice = house.manager.create_account(&setup, &typed, "box", house.now()).map(|_| ());
    assert_eq!(code_of(twice), ManagerErrorCode::Conflict);
}

#[test]
fn au6_a_thousand_setup_codes_and_passwords() {
    let house = House::new();
    let mut looked_at = 0;
    for n in 0..1_000 {
        let tried = house.manager.open_setup(address(1), &format!("code-{n:04}"), house.now());
        looked_at += usize::from(code_of(tried) == ManagerErrorCode::WrongCredentials);
    }
    assert_eq!(looked_at, 10);
    let right = house.manager.open_setup(address(1), &house.code(), house.now());
    assert_eq!(code_of(right), ManagerErrorCode::TooManyAttempts, "guessing must not go on unhindered");
    house.manager.open_setup(address(9), &house.code(), house.now()).unwrap();
}

#[test]
fn rm1_each_role_has_its_own_powers() {
    let (house, ada, bob) = House::ready();
    let (manager, now) = (&house.manager, house.now());
    let institution = || Institution { name: "Kasse".into(), ..Institution::default() };
    let account = NewAccount { name: "eve".into(), password: PASSWORD.into(), role: AdminRole::Auditor };
    let refused = ManagerErrorCode::NotAllowed;
    for who in [&bob, &Who::Setup] {
        // A session of the set-up does not live on after it; its powers are those of the set-up.
        let setup = *who == Who::Setup;
        assert_eq!(manager.accounts(who).is_ok(), setup);
        assert_eq!(manager.set_area(who, institution(), now).is_ok(), setup);
        assert_eq!(code_of(manager.remove_account(who, "ada", now)), refused);
    }
    assert_eq!(code_of(manager.create_account(&bob, &account, "box", now).map(|_| ())), refused);
    assert_eq!(code_of(manager.finish_setup(&bob, now)), refused);
    assert_eq!(code_of(manager.audit(&ada, None, now)), refused, "LG6");
    assert_eq!(code_of(manager.audit(&Who::Setup, None, now)), refused);
    manager.audit(&bob, None, now).unwrap();
}

#[test]
fn lg4_what_happens_is_in_the_audit_log() {
    let (house, ada, bob) = House::ready();
    let _ = house.sign_in("ada", "a wrong password", None);
    let wanted = Institution { name: " Kasse ".into(), ..Institution::default() };
    let stored = house.manager.set_area(&ada, wanted, house.now()).unwrap();
    assert_eq!((stored.name.as_str(), stored.revision), ("Kasse", 1));
    use AuditEvent::*;
    let newest_first = [
        SettingsChanged,
        SignInFailed,
        SignedIn,
        SignedIn,
        SetupFinished,
        AccountConfirmed,
        AccountCreated,
        AccountConfirmed,
        AccountCreated,
        SetupOpened,
    ];
    assert_eq!(house.events(&bob), newest_first);
    assert_eq!(house.events(&bob)[0], AuditRead, "LG6: reading is logged");
    let page = house.manager.audit(&bob, None, house.now()).unwrap();
    let change = page.entries.iter().find(|entry| entry.event == SettingsChanged).unwrap();
    assert_eq!((change.who.as_str(), change.subject.as_str()), ("ada", "institution"));
    assert!(change.after.contains("Kasse") && !change.after.contains("imprint"), "{change:?}");
    let everything = format!("{page:?}");
    assert!(!everything.contains("wrong password") && !everything.contains("argon2"), "{everything}");
}

#[test]
fn of_two_who_change_the_same_the_second_is_told() {
    let (house, ada, _) = House::ready();
    let wanted = |name: &str, revision| Institution { name: name.into(), revision, ..Institution::default() };
    house.manager.set_area(&ada, wanted("A", 0), house.now()).unwrap();
    let second = house.manager.set_area(&ada, wanted("B", 0), house.now());
    assert_eq!(code_of(second), ManagerErrorCode::Conflict);
    house.manager.set_area(&ada, wanted("B", 1), house.now()).unwrap();
    let bad = Institution { imprint: "javascript:alert(1)".into(), ..wanted("C", 2) };
    let refused = house.manager.set_area(&ada, bad, house.now()).unwrap_err();
    assert_eq!((refused.code(), refused.0.field.as_deref()), (ManagerErrorCode::Malformed, Some("imprint")));
    assert_eq!(house.manager.area::<Institution>(&ada).unwrap().name, "B");
}

fn static_address() -> NetworkSettings {
    let ipv4 = Ipv4Settings::Static { address: [192, 0, 2, 7].into(), prefix: 24, gateway: None };
    NetworkSettings { ports: vec!["eth0".into()], ipv4, ..NetworkSettings::default() }
}

#[test]
fn a_network_that_nobody_confirms_is_taken_back() {
    let (mut house, ada, bob) = House::ready();
    let desired = house.manager.desired();
    let trial = house.manager.try_network(&ada, static_address(), house.now()).unwrap();
    assert_eq!(trial.addresses, [IpAddr::from([192, 0, 2, 7])]);
    assert_eq!(desired.borrow().network, static_address());
    assert_eq!(house.manager.area::<NetworkSettings>(&ada).unwrap(), NetworkSettings::default());
    house.seconds += CONFIRM_WITHIN.as_secs() - 1;
    house.manager.pass_time(house.now());
    assert_eq!(desired.borrow().network, static_address());
    assert_eq!(house.manager.seconds_to_confirm(house.now()), Some(1));
    house.seconds += 1;
    house.manager.pass_time(house.now());
    assert_eq!(desired.borrow().network, NetworkSettings::default());
    assert_eq!(house.manager.seconds_to_confirm(house.now()), None);
    let late = house.manager.confirm_network(&trial.token, None, house.now());
    assert_eq!(code_of(late), ManagerErrorCode::Conflict);
    assert_eq!(house.events(&bob)[..2], [AuditEvent::NetworkTakenBack, AuditEvent::NetworkTried]);
}

#[test]
fn every_network_that_is_tried_is_in_the_audit_log() {
    let (house, ada, bob) = House::ready();
    let other = NetworkSettings { vlan: Some(7), ..static_address() };
    house.manager.try_network(&ada, static_address(), house.now()).unwrap();
    house.manager.try_network(&ada, other, house.now()).unwrap();
    house.manager.reset_network("display", house.now()).unwrap();
    let house = house.restart();
    let page = house.manager.audit(&bob, None, house.now()).unwrap();
    let tried: Vec<_> = page.entries.iter().filter(|it| it.event == AuditEvent::NetworkTried).collect();
    let [second, first] = tried[..] else { panic!("{page:?}") };
    assert_eq!((first.who.as_str(), first.subject.as_str()), ("ada", "network"));
    assert!(first.before.contains("dhcp") && first.after.contains("192.0.2.7"), "{first:?}");
    assert_eq!((second.before.as_str(), second.after.as_str()), (r#"{"vlan":null}"#, r#"{"vlan":7}"#));
}

/// A record of the time servers that this version cannot read.
#[derive(serde::Serialize, serde::Deserialize)]
struct Unreadable {
    servers: u8,
}

impl plenum_store::Stored for Unreadable {
    type Key = ();
    const TREE: &'static str = TimeSettings::NAME;
    const CATEGORY: plenum_store::Category = plenum_store::Category::Configuration;
    const PURPOSE: &'static str = TimeSettings::PURPOSE;
    const RETENTION: plenum_store::Retention = plenum_store::Retention::UntilRemoved("the end of the test");
    const KEY: plenum_store::Field = plenum_store::Field::new("", "there is only one");
    const FIELDS: &'static [plenum_store::Field] = TimeSettings::FIELDS;
}

#[test]
fn a_network_is_taken_back_as_soon_as_the_former_one_can_be_read() {
    let (mut house, ada, bob) = House::ready();
    let desired = house.manager.desired();
    house.manager.try_network(&ada, static_address(), house.now()).unwrap();
    let now = house.now();
    house.manager.store.tree().put(now.wall, &(), &Unreadable { servers: 7 }).wait().unwrap();
    house.seconds += CONFIRM_WITHIN.as_secs();
    house.manager.pass_time(house.now());
    assert_eq!(desired.borrow().network, static_address(), "nothing can be told yet");
    house.manager.store.tree().put(now.wall, &(), &Kept(TimeSettings::default())).wait().unwrap();
    house.manager.pass_time(house.now());
    assert_eq!(desired.borrow().network, NetworkSettings::default());
    assert_eq!(house.events(&bob)[0], AuditEvent::NetworkTakenBack);
}

#[test]
fn a_network_that_is_confirmed_is_kept() {
    let (mut house, ada, bob) = House::ready();
    let first = house.manager.try_network(&ada, NetworkSettings::default(), house.now()).unwrap();
    let trial = house.manager.try_network(&ada, static_address(), house.now()).unwrap();
    assert_eq!(
        code_of(house.manager.confirm_network(&first.token, None, house.now())),
        ManagerErrorCode::Conflict
    );
    house.seconds += 59;
    let kept = house.manager.confirm_network(&trial.token, None, house.now()).unwrap();
    assert_eq!(kept, NetworkSettings { revision: 1, ..static_address() });
    house.seconds += 60;
    house.manager.pass_time(house.now());
    assert_eq!(house.manager.desired().borrow().network, kept);
    assert_eq!(house.events(&bob)[0], AuditEvent::SettingsChanged);
    // Based on a state that is not there any more.
    let stale = house.manager.try_network(&ada, static_address(), house.now());
    assert_eq!(code_of(stale.map(|_| ())), ManagerErrorCode::Conflict);
    let house = house.restart();
    assert_eq!(house.manager.desired().borrow().network, kept);
    house.manager.reset_network("display", house.now()).unwrap();
    let reset = NetworkSettings { revision: 2, ..NetworkSettings::default() };
    assert_eq!(house.manager.desired().borrow().network, reset);
}

#[test]
fn a_power_cut_takes_an_unconfirmed_network_back() {
    let (house, ada, _) = House::ready();
    house.manager.try_network(&ada, static_address(), house.now()).unwrap();
    let house = house.restart();
    assert_eq!(house.manager.desired().borrow().network, NetworkSettings::default());
}

/// What an authority of the institution makes of a request.
fn signed(request: &str, now: Now) -> String {
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let key = rcgen::KeyPair::generate().unwrap();
    let authority = params.self_signed(&key).unwrap();
    let issuer = rcgen::Issuer::new(params, key);
    let mut request = rcgen::CertificateSigningRequestParams::from_pem(request).unwrap();
    let day = Duration::from_secs(86_400);
    request.params.not_before = rcgen::date_time_ymd(1970, 1, 1) + (now.since_1970() - day);
    request.params.not_after = request.params.not_before + day * 90;
    format!("{}{}", request.signed_by(&issuer).unwrap().pem(), authority.pem())
}

#[test]
fn a_certificate_is_requested_signed_and_shown() {
    let (house, ada, bob) = House::ready();
    let (manager, now) = (&house.manager, house.now());
    let name = HostName { revision: 0, host_name: "box.example".into() };
    manager.set_area(&ada, name, now).unwrap();
    let wanted = CertificateRequest { names: vec!["Box.Example".into()], organization: "Kasse".into() };
    let request = manager.request_certificate(&ada, wanted, now).unwrap().request.unwrap();
    let upload = |chain: String, key| UploadedCertificate { chain, key };
    let other = rcgen::KeyPair::generate().unwrap().serialize_pem();
    let wrong = manager.upload_certificate(&ada, &upload(signed(&request, now), Some(other)), now);
    assert_eq!(code_of(wrong), ManagerErrorCode::CertificateKeyMismatch);
    assert_eq!(manager.desired().borrow().certificate, None);
    let state = manager.upload_certificate(&ada, &upload(signed(&request, now), None), now).unwrap();
    assert_eq!((state.kind, state.request), (CertificateKind::Uploaded, None));
    let pem = manager.desired().borrow().certificate.clone().unwrap();
    assert_eq!(pem.matches("BEGIN CERTIFICATE").count(), 2);
    assert_eq!(pem.matches("PRIVATE KEY").count(), 2);
    // A shorter chain leaves nothing of a longer one.
    let alone = signed(&request, now);
    let alone = alone.split_inclusive("-----END CERTIFICATE-----\n").next().unwrap().to_owned();
    let key = pem.split_inclusive("-----END PRIVATE KEY-----\n").next().unwrap().to_owned();
    manager.upload_certificate(&ada, &upload(alone, Some(key)), now).unwrap();
    let pem = manager.desired().borrow().certificate.clone().unwrap();
    assert_eq!(pem.matches("BEGIN CERTIFICATE").count(), 1);
    let log = format!("{:?}", manager.audit(&bob, None, now).unwrap());
    assert!(log.contains("CertificateRequested") && !log.contains("PRIVATE"), "{log}");
    assert_eq!(manager.remove_certificate(&ada, now).unwrap().kind, CertificateKind::Own);
    assert_eq!(manager.desired().borrow().certificate, None);
    let missing = manager.upload_certificate(&ada, &upload("x".into(), None), now);
    assert_eq!(missing.unwrap_err().0.field.as_deref(), Some("key"));
}

/// As an RSA key of 8,192 bits and a certificate with many names are.
#[test]
fn a_certificate_may_be_longer_than_a_record() {
    let (house, ada, _) = House::ready();
    let (manager, now) = (&house.manager, house.now());
    manager.set_area(&ada, HostName { revision: 0, host_name: "box.example".into() }, now).unwrap();
    let names = (0..120).map(|number| format!("name-{number}.of-a-long-department.box.example"));
    let names: Vec<String> = std::iter::once("box.example".to_owned()).chain(names).collect();
    let mut params = rcgen::CertificateParams::new(names).unwrap();
    params.not_before = rcgen::date_time_ymd(1970, 1, 1) + now.since_1970();
    params.not_after = params.not_before + Duration::from_secs(90 * 86_400);
    let key = rcgen::KeyPair::generate().unwrap();
    let chain = params.self_signed(&key).unwrap().pem();
    assert!(chain.len() > 6_000);
    let typed = UploadedCertificate { chain: chain.clone(), key: Some(key.serialize_pem()) };
    let state = manager.upload_certificate(&ada, &typed, now).unwrap();
    assert_eq!(state.kind, CertificateKind::Uploaded);
    let served = manager.desired().borrow().certificate.clone().unwrap().replace('\r', "");
    assert!(served.ends_with(&chain.replace('\r', "")), "{served}");
    assert_eq!(manager.first_certificate().unwrap().unwrap().names.len(), 121);
}

#[test]
fn the_set_up_goes_on_where_it_stopped() {
    let house = House::new();
    let setup = house.setup();
    let step = |step, done| StepDone { step, done };
    house.manager.step_done(&setup, step(SetupStep::Network, true), house.now()).unwrap();
    house.manager.step_done(&setup, step(SetupStep::Name, true), house.now()).unwrap();
    house.manager.step_done(&setup, step(SetupStep::Name, true), house.now()).unwrap();
    let mut house = house.restart();
    let done = |house: &House| house.manager.info(None).unwrap().steps_done;
    assert_eq!(done(&house), [SetupStep::Network, SetupStep::Name]);
    let setup = house.setup();
    house.manager.step_done(&setup, step(SetupStep::Network, false), house.now()).unwrap();
    assert_eq!(done(&house), [SetupStep::Name]);
    house.account(&setup, "ada", AdminRole::Administrator);
    house.manager.finish_setup(&setup, house.now()).unwrap();
    let late = house.manager.step_done(&setup, step(SetupStep::Time, true), house.now());
    assert_eq!(code_of(late), ManagerErrorCode::SetupOver);
    assert!(done(&house).is_empty());
}

#[test]
fn a_signed_file_sets_the_box_up_at_once() {
    let house = House::new();
    let mut desired = house.manager.desired();
    house.manager.offer_settings(EXAMPLE, Trust::Signed, None, house.now()).unwrap();
    assert_eq!(house.manager.setup_code().unwrap(), None);
    assert_eq!(house.manager.offered_settings(), None);
    assert!(desired.has_changed().unwrap());
    assert_eq!(desired.borrow_and_update().host_name, "konferenz.example.org");
    let secret = NewSecondFactor {
        name: String::new(),
        secret: "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP".into(),
        uri: String::new(),
        qr: vec![],
        recovery_codes: vec![],
    };
    let code = house.one_time_password(&secret);
    house.sign_in("ada@example.org", "choose a sentence of your own", Some(code)).unwrap();
    let relay = house.manager.relay().unwrap().unwrap();
    assert_eq!((relay.settings.has_password, relay.password.as_str()), (true, "what the server knows"));
    assert!(relay.settings.password.is_empty());
    let again = house.manager.offer_settings(EXAMPLE, Trust::Signed, None, house.now());
    assert_eq!(code_of(again), ManagerErrorCode::Conflict);
}

#[test]
fn an_unsigned_file_waits_for_somebody_before_the_box() {
    let house = House::new();
    house.manager.offer_settings(EXAMPLE, Trust::Unsigned, None, house.now()).unwrap();
    assert!(house.manager.setup_code().unwrap().is_some());
    let offer = house.manager.offered_settings().unwrap();
    assert!(offer.findings.is_empty() && !offer.forged);
    house.manager.apply_offered_settings(house.now()).unwrap();
    assert_eq!(house.manager.setup_code().unwrap(), None);
}

#[test]
fn a_file_for_other_ports_changes_nothing() {
    let house = House::new();
    let there = ["enp9s9".to_owned()];
    for trust in [Trust::Signed, Trust::Unsigned] {
        house.manager.offer_settings(EXAMPLE, trust, Some(&there), house.now()).unwrap();
        let findings = house.manager.offered_settings().unwrap().findings;
        assert!(findings[0].contains("network.ports: there is no port enp1s0"), "{findings:?}");
        assert_eq!(code_of(house.manager.apply_offered_settings(house.now())), ManagerErrorCode::Conflict);
        assert!(house.manager.setup_code().unwrap().is_some());
    }
}

#[test]
fn a_file_that_nobody_confirmed_goes_with_the_end_of_the_set_up() {
    let mut house = House::new();
    house.manager.offer_settings(EXAMPLE, Trust::Unsigned, None, house.now()).unwrap();
    let setup = house.setup();
    house.account(&setup, "ada", AdminRole::Administrator);
    assert!(house.manager.offered_settings().is_some());
    house.manager.finish_setup(&setup, house.now()).unwrap();
    assert_eq!(house.manager.offered_settings(), None);
}

#[test]
fn a_forged_or_broken_file_changes_nothing() {
    let house = House::new();
    let broken = EXAMPLE.replace("prefix = 24", "prefix = 99");
    for (text, trust) in [(EXAMPLE, Trust::Forged), (&broken, Trust::Signed)] {
        house.manager.offer_settings(text, trust, None, house.now()).unwrap();
        let offer = house.manager.offered_settings().unwrap();
        let forged = trust == Trust::Forged;
        assert_eq!((offer.forged, offer.findings.len()), (forged, usize::from(!forged)));
        assert_eq!(code_of(house.manager.apply_offered_settings(house.now())), ManagerErrorCode::Conflict);
        assert!(house.manager.setup_code().unwrap().is_some());
        assert_eq!(house.manager.desired().borrow().host_name, "");
    }
}

#[test]
fn who_signs_in_at_the_new_address_confirms_it_too() {
    let (house, ada, bob) = House::ready();
    house.manager.try_network(&ada, static_address(), house.now()).unwrap();
    for nobody in [None, Some(&bob)] {
        let refused = house.manager.confirm_network("", nobody, house.now());
        assert_eq!(code_of(refused), ManagerErrorCode::Conflict);
    }
    assert_eq!(house.manager.confirm_network("", Some(&ada), house.now()).unwrap().revision, 1);
}
