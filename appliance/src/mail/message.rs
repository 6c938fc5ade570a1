//! What the box writes: in German and English, because nobody has told it who reads. Nothing in it names a person
//! or a meeting.

use super::{Notice, Relay};
use crate::console::Language::{self, English, German};
use lettre::Message;
use lettre::message::Mailbox;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use plenum_daemon::secret::Secret;

type Result = std::result::Result<Message, lettre::error::Error>;

/// `id` is random, for the mail's own name (RFC 5322 section 3.6.4).
pub fn test(relay: &Relay, recipient: &str, id: &Secret) -> Result {
    let name = &relay.host_name;
    let text = format!(
        "Diese E-Mail zeigt, dass {name} E-Mails verschicken kann.\n\nThis mail shows that {name} can send mail.\n"
    );
    write(relay, &[recipient.to_owned()], &format!("{name}: Test-E-Mail / test mail"), text, id)
}

pub fn notice(relay: &Relay, notice: &Notice, id: &Secret) -> Result {
    let subject = match notice.appeared.is_empty() {
        true => "Problem behoben / problem solved",
        false => "Problem / problem",
    };
    let text = format!("{}\n--\n\n{}", told(relay, notice, German), told(relay, notice, English));
    let subject = format!("{}: {subject}", relay.host_name);
    write(relay, &relay.settings.recipients, &subject, text, id)
}

fn told(relay: &Relay, notice: &Notice, language: Language) -> String {
    let name = &relay.host_name;
    let (new, gone, more) = match language {
        German => (
            format!("{name} meldet ein Problem:"),
            format!("Auf {name} besteht nicht mehr:"),
            "Der Überblick der Verwaltung zeigt den Stand. Wer diese E-Mails bekommt, steht dort unter „E-Mail“.",
        ),
        English => (
            format!("{name} has a problem:"),
            format!("On {name} this is over:"),
            "The overview of the administration shows how things are. Who gets these mails stands there under “Mail”.",
        ),
    };
    let mut text = String::new();
    for (title, problems) in [(new, &notice.appeared), (gone, &notice.gone)] {
        if problems.is_empty() {
            continue;
        }
        text += &format!("{title}\n\n");
        for problem in problems {
            text += &format!("- {}\n", language.problem(problem));
        }
        text += "\n";
    }
    text + more + "\n"
}

fn write(relay: &Relay, recipients: &[String], subject: &str, text: String, id: &Secret) -> Result {
    let mailbox = |address: &String| address.parse().map(|address| Mailbox::new(None, address));
    let malformed = |_| lettre::error::Error::MissingTo;
    let sender = relay.settings.sender.parse().map_err(|_| lettre::error::Error::MissingFrom)?;
    let mut message = Message::builder()
        .from(Mailbox::new(Some("Plenum".to_owned()), sender))
        .subject(subject)
        .date_now()
        .message_id(Some(format!("<{}@{}>", id.expose(), relay.host_name)))
        // RFC 3834 section 5: no holiday notes in return.
        .raw_header(HeaderValue::new(
            HeaderName::new_from_ascii_str("Auto-Submitted"),
            "auto-generated".to_owned(),
        ));
    for recipient in recipients {
        message = message.to(mailbox(recipient).map_err(malformed)?);
    }
    message.header(ContentType::TEXT_PLAIN).body(text)
}
