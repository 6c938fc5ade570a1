//! Mail that the box sends by a server of the institution.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Nothing is sent without encryption.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum MailEncryption {
    /// TLS from the first byte (RFC 8314), as a rule on port 465.
    #[default]
    Tls,
    /// STARTTLS (RFC 3207), as a rule on port 587. A server that does not offer it gets nothing.
    StartTls,
}

/// The server that takes the box's mail, and who gets notices.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(deny_unknown_fields, default)]
pub struct MailSettings {
    pub revision: u32,
    /// Host name or address. Empty: the box sends no mail.
    pub server: String,
    pub port: u16,
    pub encryption: MailEncryption,
    /// Empty: the server asks for no login.
    pub user: String,
    /// Empty in every answer. Empty in a change: the stored one stays, unless server, authorities or user change.
    pub password: String,
    /// Whether a password is stored; ignored in changes.
    pub has_password: bool,
    /// The address that mail comes from.
    pub sender: String,
    /// Up to 2,000 characters of PEM: authorities that are trusted for the server beside the public ones.
    pub authorities: String,
    /// Up to 4 addresses that get notices of the box's problems.
    pub recipients: Vec<String>,
}

impl Default for MailSettings {
    fn default() -> Self {
        MailSettings {
            revision: 0,
            server: String::new(),
            port: 465,
            encryption: MailEncryption::Tls,
            user: String::new(),
            password: String::new(),
            has_password: false,
            sender: String::new(),
            authorities: String::new(),
            recipients: Vec::new(),
        }
    }
}

/// Whom to send a test mail, with the stored settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(deny_unknown_fields)]
pub struct MailTest {
    pub recipient: String,
}

/// How far a mail got.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct MailTestResult {
    pub outcome: MailOutcome,
    /// What the server, or the way to it, said; in its own words.
    pub said: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum MailOutcome {
    /// The server has taken it.
    Sent,
    /// The DNS knows no such server, or does not answer.
    NameNotFound,
    /// Nothing listens at this port.
    ConnectionRefused,
    /// There is no way to it, or no answer in time.
    Unreachable,
    /// The server speaks no TLS here: often the other kind of encryption is meant.
    TlsFailed,
    StartTlsMissing,
    CertificateNotTrusted,
    /// User or password are wrong, or the server takes no login of the kinds that the box knows.
    LoginRefused,
    /// Often: a login is needed, or it may not send from this address.
    SenderRefused,
    RecipientRefused,
    /// The mail itself.
    MessageRefused,
    /// The server said something unexpected, or broke off.
    ServerFault,
}
