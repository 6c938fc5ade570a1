//! A mail and the steps at which a server may refuse it, against a server on loopback that answers by a script.

#[path = "support/mail_server.rs"]
mod mail_server;

use mail_server::{Script, Server};
use plenum_appliance::mail::{self, Failure, Notice, Relay};
use plenum_daemon::secret::Secret;
use plenum_protocol::manager::{MailEncryption, MailOutcome, MailSettings, Problem};

fn relay_of(server: &Server, encryption: MailEncryption) -> Relay {
    let settings = MailSettings {
        server: "localhost".into(),
        port: server.port,
        encryption,
        user: "box".into(),
        sender: "plenum@example.org".into(),
        authorities: server.authority.clone(),
        recipients: vec!["ada@example.org".into(), "bob@example.org".into()],
        ..MailSettings::default()
    };
    Relay { settings, password: "a password".into(), host_name: "konferenz.example.org".into() }
}

async fn send(relay: &Relay) -> Result<String, Failure> {
    let message = mail::test(relay, "ada@example.org", &Secret::claimed("id")).unwrap();
    mail::send(relay, &message).await
}

const BOTH: [MailEncryption; 2] = [MailEncryption::Tls, MailEncryption::StartTls];

#[tokio::test]
async fn a_mail_arrives_and_nothing_of_it_before_the_encryption() {
    for encryption in BOTH {
        let server = Server::start(encryption, &[]).await;
        let said = send(&relay_of(&server, encryption)).await.unwrap();
        assert_eq!(said, "250 2.0.0 queued as 4711");
        let heard = server.heard();
        let commands: Vec<&str> = heard.lines().map(|line| line.split(' ').next().unwrap()).collect();
        let begin: &[&str] = match encryption {
            MailEncryption::Tls => &["EHLO", "AUTH", "MAIL", "RCPT", "DATA"],
            MailEncryption::StartTls => &["EHLO", "STARTTLS", "EHLO", "AUTH", "MAIL", "RCPT", "DATA"],
        };
        assert_eq!(&commands[..begin.len()], begin);
        assert!(heard.contains("Auto-Submitted: auto-generated"), "{heard}");
        assert!(heard.contains("Message-ID: <id@konferenz.example.org>"), "{heard}");
    }
}

#[tokio::test]
async fn what_a_server_refuses_is_named_by_the_step() {
    let cases: [(Script, MailOutcome, &str); 8] = [
        (&[("AUTH", "535 5.7.8 wrong")], MailOutcome::LoginRefused, "535 5.7.8 wrong"),
        (&[("EHLO", "250-x\r\n250 STARTTLS")], MailOutcome::LoginRefused, "authentication"),
        (&[("MAIL", "530 5.7.0 log in")], MailOutcome::SenderRefused, "530 5.7.0 log in"),
        (&[("RCPT", "550 5.1.1 nobody")], MailOutcome::RecipientRefused, "550 5.1.1 nobody"),
        (&[("DATA", "554 no")], MailOutcome::MessageRefused, "554 no"),
        (&[(".", "552 too long")], MailOutcome::MessageRefused, "552 too long"),
        (&[("", "421 busy")], MailOutcome::ServerFault, "421 busy"),
        (&[("EHLO", "what?")], MailOutcome::ServerFault, ""),
    ];
    for (script, outcome, said) in cases {
        let server = Server::start(MailEncryption::Tls, script).await;
        let failure = send(&relay_of(&server, MailEncryption::Tls)).await.unwrap_err();
        assert!(failure.outcome == outcome && failure.said.contains(said), "{script:?}: {failure:?}");
        assert!(!failure.said.contains("a password"));
    }
}

#[tokio::test]
async fn nothing_goes_out_without_encryption() {
    for script in [&[("EHLO", "250 AUTH PLAIN")] as Script, &[("STARTTLS", "454 not now")]] {
        let server = Server::start(MailEncryption::StartTls, script).await;
        let failure = send(&relay_of(&server, MailEncryption::StartTls)).await.unwrap_err();
        let wanted = [MailOutcome::StartTlsMissing, MailOutcome::TlsFailed];
        assert!(wanted.contains(&failure.outcome), "{failure:?}");
        let heard = server.heard();
        assert!(!heard.contains("AUTH") && !heard.contains("MAIL"), "{heard}");
    }
}

#[tokio::test]
async fn a_server_that_cannot_prove_who_it_is_gets_no_password() {
    for encryption in BOTH {
        let server = Server::start(encryption, &[]).await;
        let mut relay = relay_of(&server, encryption);
        relay.settings.authorities.clear();
        let failure = send(&relay).await.unwrap_err();
        assert_eq!(failure.outcome, MailOutcome::CertificateNotTrusted, "{failure:?}");
        // Of the right authority, but another name.
        let mut relay = relay_of(&server, encryption);
        relay.settings.server = "127.0.0.1".into();
        let failure = send(&relay).await.unwrap_err();
        assert_eq!(failure.outcome, MailOutcome::CertificateNotTrusted, "{failure:?}");
        assert!(!server.heard().contains("AUTH"));
    }
}

#[tokio::test]
async fn the_way_to_the_server_is_told_apart() {
    let server = Server::start(MailEncryption::StartTls, &[]).await;
    // The other kind of encryption.
    let failure = send(&relay_of(&server, MailEncryption::Tls)).await.unwrap_err();
    assert_eq!(failure.outcome, MailOutcome::TlsFailed, "{failure:?}");
    let silent = Server::start(MailEncryption::Tls, &[]).await;
    let failure = send(&relay_of(&silent, MailEncryption::StartTls)).await.unwrap_err();
    assert_eq!(failure.outcome, MailOutcome::TlsFailed, "{failure:?}");
    for encryption in BOTH {
        let mut relay = relay_of(&server, encryption);
        relay.settings.port = 1;
        assert_eq!(send(&relay).await.unwrap_err().outcome, MailOutcome::ConnectionRefused);
        relay.settings.server = "mail.invalid".into();
        assert_eq!(send(&relay).await.unwrap_err().outcome, MailOutcome::NameNotFound);
    }
}

#[tokio::test]
async fn a_notice_reaches_those_whom_the_server_knows() {
    let server = Server::start(MailEncryption::Tls, &[("RCPT TO:<ada", "550 nobody")]).await;
    let relay = relay_of(&server, MailEncryption::Tls);
    let appeared = vec![Problem::LowDisk { free_megabytes: 37 }];
    let gone = vec![Problem::UnitFailed { unit: "plenum-sfu.service".into() }];
    let message = mail::notice(&relay, &Notice { appeared, gone }, &Secret::claimed("id")).unwrap();
    mail::send(&relay, &message).await.unwrap();
    let text = server.heard();
    assert!(text.contains("To: ada@example.org, bob@example.org"), "{text}");
    for word in ["konferenz.example.org", "noch 37 MB", "37 MB are free", "plenum-sfu.service failed"] {
        assert!(text.contains(word), "{word}: {text}");
    }
}
