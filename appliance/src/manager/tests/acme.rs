use super::*;
use crate::acme::{Order, Step};
use crate::certificate::{self, Chain};
use plenum_protocol::manager::{AcmeFailure, AcmePhase, AcmeReason};

const BINDING_KEY: &str = "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0";

/// A box with a name, and what it is to ask a directory for.
fn ready_for_acme() -> (House, Who, Who, AcmeSettings) {
    let (house, ada, bob) = House::ready();
    let name = HostName { revision: 0, host_name: "box.example".into() };
    house.manager.set_area(&ada, name, house.now()).unwrap();
    let settings = AcmeSettings {
        enabled: true,
        directory: "https://acme.example/directory".into(),
        binding_key_id: "customer".into(),
        binding_key: Some(BINDING_KEY.into()),
        ..AcmeSettings::default()
    };
    (house, ada, bob, settings)
}

impl House {
    fn order(&self) -> Box<Order> {
        match self.manager.acme_step(self.now()).unwrap() {
            Step::Now(order) => order,
            Step::At(next) => panic!("it is due at {next} only"),
            Step::Off => panic!("it is off"),
        }
    }

    fn next(&self) -> u64 {
        match self.manager.acme_step(self.now()).unwrap() {
            Step::At(next) => next - self.now().unix_seconds(),
            _ => panic!("it is due, or off"),
        }
    }

    fn fails(&self, order: &Order) {
        let failure = AcmeFailure {
            reason: AcmeReason::Connection,
            name: order.name.clone(),
            detail: "refused".into(),
            at: self.now().unix_seconds(),
        };
        self.manager.acme_failed(order, failure, self.now()).unwrap();
    }

    /// As a directory gives it; valid for 90 days from yesterday on.
    fn issued(&self) -> Chain {
        let made = certificate::request(&["box.example".to_owned()], "").unwrap();
        let now = self.now();
        Chain::check(&signed(&made.request, now), &made.key, "box.example", now.wall).unwrap()
    }
}

#[test]
fn a_certificate_comes_from_a_directory_and_is_renewed() {
    let (mut house, ada, bob, settings) = ready_for_acme();
    let kind = |house: &House| house.manager.certificate(&ada, house.now()).unwrap();
    assert!(matches!(house.manager.acme_step(house.now()), Ok(Step::Off)));
    house.manager.set_acme(&ada, settings, house.now()).unwrap();
    assert_eq!(kind(&house).acme.unwrap().phase, AcmePhase::Waiting);
    let order = house.order();
    assert_eq!(
        (order.name.as_str(), order.binding_key.as_deref()),
        ("box.example", Some(&b"secret".repeat(4)[..]))
    );
    let account = AcmeAccount { credentials: "{}".into(), contact: String::new() };
    house.manager.acme_account(&order, account, house.now()).unwrap();
    house.manager.acme_took(&order, house.issued(), house.now()).unwrap();
    let state = kind(&house);
    assert_eq!((state.kind, state.acme.unwrap().phase), (CertificateKind::Acme, AcmePhase::Good));
    assert!(house.manager.desired().borrow().certificate.is_some());
    assert_eq!(house.events(&bob)[0], AuditEvent::CertificateChanged);
    assert_eq!(house.next(), 59 * 86_400, "two thirds of 90 days, of which one is over");
    house.seconds += 59 * 86_400;
    let mut house = house.restart();
    assert_eq!(house.order().account.as_ref().unwrap().credentials, "{}");
    for pause in [60, 300] {
        house.fails(&house.order());
        assert_eq!(house.next(), pause);
        house.seconds += pause;
    }
    house.fails(&house.order());
    let house = house.restart();
    assert_eq!(house.next(), 1_200, "a restart does not make it ask more often");
    let state = kind(&house);
    let acme = state.acme.unwrap();
    assert_eq!((state.kind, acme.phase), (CertificateKind::Acme, AcmePhase::Failed));
    assert_eq!(acme.failure.unwrap().detail, "refused");
    house.manager.ask_acme(&ada, house.now()).unwrap();
    house.manager.acme_took(&house.order(), house.issued(), house.now()).unwrap();
    assert_eq!(kind(&house).acme.unwrap().failure, None);
}

#[test]
fn the_key_of_a_binding_is_never_given_back() {
    let (house, ada, bob, settings) = ready_for_acme();
    let (manager, now) = (&house.manager, house.now());
    let missing = AcmeSettings { binding_key: None, ..settings.clone() };
    let refused = manager.set_acme(&ada, missing.clone(), now).unwrap_err();
    assert_eq!(refused.0.field.as_deref(), Some("binding_key"));
    let kept = manager.set_acme(&ada, settings, now).unwrap();
    assert_eq!((kept.revision, &kept.binding_key), (1, &None));
    assert_eq!(manager.area::<AcmeSettings>(&ada).unwrap().binding_key, None);
    // Without one in it, a change keeps it.
    manager
        .set_acme(&ada, AcmeSettings { revision: 1, contact: "ada@example.org".into(), ..missing }, now)
        .unwrap();
    assert!(house.order().binding_key.is_some());
    let log = format!("{:?}", manager.audit(&bob, None, now).unwrap());
    assert!(log.contains("another key") && !log.contains(BINDING_KEY), "{log}");
    assert_eq!(code_of(manager.set_acme(&bob, kept.clone(), now)), ManagerErrorCode::NotAllowed);
    assert_eq!(code_of(manager.set_acme(&ada, kept, now)), ManagerErrorCode::Conflict, "an old revision");
}

#[test]
fn another_directory_does_not_know_the_account() {
    let (house, ada, _, settings) = ready_for_acme();
    let set = |revision: u32, change: fn(&mut AcmeSettings)| {
        let mut wanted = AcmeSettings { revision, binding_key: None, ..settings.clone() };
        change(&mut wanted);
        house.manager.set_acme(&ada, wanted, house.now()).unwrap();
    };
    house.manager.set_acme(&ada, settings.clone(), house.now()).unwrap();
    let stale = house.order();
    let account = AcmeAccount { credentials: "{}".into(), contact: String::new() };
    house.manager.acme_account(&stale, account, house.now()).unwrap();
    set(1, |it| it.contact = "ada@example.org".into());
    assert!(house.order().account.is_some(), "it is the same account with another contact");
    // What comes of an order that nobody wants any more is dropped.
    assert!(!house.manager.acme_wants(&stale).unwrap());
    house.manager.acme_took(&stale, house.issued(), house.now()).unwrap();
    assert_eq!(house.manager.certificate(&ada, house.now()).unwrap().kind, CertificateKind::Own);
    house.manager.acme_took(&house.order(), house.issued(), house.now()).unwrap();
    assert!(matches!(house.manager.acme_step(house.now()), Ok(Step::At(_))));
    set(2, |it| it.directory = "https://other.example/directory".into());
    assert!(house.order().account.is_none(), "asked at once, although the certificate is good for long");
}

#[test]
fn another_certificate_ends_the_directorys() {
    let (house, ada, bob, settings) = ready_for_acme();
    let (manager, now) = (&house.manager, house.now());
    manager.set_acme(&ada, settings.clone(), now).unwrap();
    manager.acme_took(&house.order(), house.issued(), now).unwrap();
    let Chain { certificates, key } = house.issued();
    let typed = UploadedCertificate { chain: certificates.concat(), key: Some(key) };
    let state = manager.upload_certificate(&ada, &typed, now).unwrap();
    assert_eq!((state.kind, state.acme), (CertificateKind::Uploaded, None));
    assert!(matches!(manager.acme_step(now), Ok(Step::Off)));
    assert_eq!(code_of(manager.ask_acme(&ada, now)), ManagerErrorCode::Conflict);
    let kept: AcmeSettings = manager.area(&ada).unwrap();
    assert_eq!((kept.enabled, kept.revision), (false, 2));
    assert_eq!(house.events(&bob)[..2], [AuditEvent::CertificateChanged, AuditEvent::SettingsChanged]);
    manager.set_acme(&ada, AcmeSettings { revision: 2, binding_key: None, ..settings }, now).unwrap();
    assert_eq!(manager.certificate(&ada, now).unwrap().kind, CertificateKind::Uploaded, "until one comes");
    assert_eq!(manager.remove_certificate(&ada, now).unwrap().acme, None);
}

#[test]
fn a_box_without_a_name_gets_no_certificate_and_another_name_gets_another() {
    let (house, ada, _, settings) = ready_for_acme();
    let (manager, now) = (&house.manager, house.now());
    let call = |revision, name: &str| {
        let name = HostName { revision, host_name: name.into() };
        manager.set_area(&ada, name, now).unwrap();
    };
    call(1, "");
    let refused = manager.set_acme(&ada, settings.clone(), now).unwrap_err();
    assert_eq!(refused.0.field.as_deref(), Some("enabled"));
    call(2, "box.example");
    manager.set_acme(&ada, settings, now).unwrap();
    manager.acme_took(&house.order(), house.issued(), now).unwrap();
    manager.ask_acme(&ada, now).unwrap();
    house.fails(&house.order());
    call(3, "other.example");
    assert_eq!(house.order().name, "other.example", "what was said of the former name does not count");
    call(4, "");
    assert!(matches!(manager.acme_step(now), Ok(Step::Off)));
    let state = manager.acme_state(now).unwrap().unwrap();
    assert_eq!(state.failure.unwrap().reason, AcmeReason::NoName);
}

#[test]
fn the_set_up_goes_on_with_the_certificate_that_its_browser_has_accepted() {
    let mut house = House::new();
    let setup = house.setup();
    let name = HostName { revision: 0, host_name: "box.example".into() };
    house.manager.set_area(&setup, name, house.now()).unwrap();
    let directory = "https://acme.example/directory".into();
    let settings = AcmeSettings { enabled: true, directory, ..AcmeSettings::default() };
    house.manager.set_acme(&setup, settings, house.now()).unwrap();
    house.manager.acme_took(&house.order(), house.issued(), house.now()).unwrap();
    let desired = house.manager.desired();
    assert_eq!(house.manager.certificate(&setup, house.now()).unwrap().kind, CertificateKind::Acme);
    assert_eq!(desired.borrow().certificate, None);
    house.account(&setup, "ada", AdminRole::Administrator);
    house.manager.finish_setup(&setup, house.now()).unwrap();
    assert!(desired.borrow().certificate.is_some());
}

#[test]
fn a_proof_is_shown_while_a_directory_looks() {
    let (house, ..) = House::ready();
    let desired = house.manager.desired();
    house.manager.acme_proof(Some("PEM".into()));
    assert_eq!(desired.borrow().proof.as_deref(), Some("PEM"));
    house.manager.acme_proof(None);
    assert_eq!(desired.borrow().proof, None);
}
