//! The audit log (LG4): read, saved and forwarded by auditors alone (LG6).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct AuditPage {
    /// Newest first.
    pub entries: Vec<AuditEntry>,
    /// Whether the chain of hashes is whole.
    pub whole: bool,
    /// For the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(type = "number | null")]
    pub before: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct AuditEntry {
    #[ts(type = "number")]
    pub number: u64,
    /// Milliseconds since 1970.
    #[ts(type = "number")]
    pub at: u64,
    pub who: String,
    pub event: AuditEvent,
    pub subject: String,
    /// JSON, or empty.
    pub before: String,
    pub after: String,
}

/// LG4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum AuditEvent {
    SetupOpened,
    SetupCodeWrong,
    SetupFinished,
    SignedIn,
    SignInFailed,
    SignedOut,
    RecoveryCodeUsed,
    AccountCreated,
    AccountConfirmed,
    AccountRemoved,
    PasswordChanged,
    /// A new second factor was shown to whom it is for.
    SecondFactorShown,
    SecondFactorReplaced,
    SettingsChanged,
    /// Network settings hold until somebody confirms them or they are taken back.
    NetworkTried,
    /// A network that nobody confirmed was taken back.
    NetworkTakenBack,
    CertificateRequested,
    CertificateChanged,
    Restarted,
    SwitchedOff,
    UpdateOrdered,
    FactoryReset,
    /// The box was set up by a file.
    Provisioned,
    RecoveryKeyShown,
    RecoveryKeyTaken,
    SupportShown,
    BackupKeyMade,
    BackupKeyTaken,
    BackupMade,
    BackupSaved,
    RestoreTested,
    Restored,
    HostKeyShown,
    /// A test mail was sent, or was to be.
    MailTested,
    MetricsOpened,
    MetricsClosed,
    /// Somebody asked for metrics with a wrong token.
    MetricsRefused,
    RoomCreated,
    /// The link for guests of a room was replaced.
    GuestLinkReplaced,
    MeetingEnded,
    RoomDeleted,
    AuditRead,
    /// The audit log was saved as a file.
    AuditSaved,
    /// An auditor has the audit log sent to the syslog server, or no longer.
    AuditForwarded,
    /// Noted by a later version, from which somebody went back.
    Unknown,
}

/// Where the audit log goes besides, and with which key it is signed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct AuditForwarding {
    /// The syslog server that an administrator has set. Empty: none.
    pub server: String,
    pub port: u16,
    /// Whether the audit log is sent there.
    pub forwarding: bool,
    /// An auditor had it sent to another server: it is not sent to this one until an auditor says so.
    pub stopped: bool,
    /// Whether the server takes it now.
    pub connected: bool,
    /// Of saved audit logs: Ed25519 (RFC 8032), 64 hexadecimal digits.
    pub key: String,
}

/// Has the audit log sent, or no longer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(deny_unknown_fields)]
pub struct ForwardAudit {
    pub forwarding: bool,
    /// The server that was shown.
    pub server: String,
    pub port: u16,
}
