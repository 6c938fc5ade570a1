//! Bodies of the manager's JSON API, which `web` hands to `appliance`: set-up and administration of the box.
//!
//! | call | body | answer | who |
//! |---|---|---|---|
//! | `GET /api/box/session` | – | 200 [`SessionInfo`] | anyone |
//! | `POST /api/box/setup` | [`SetupCode`] | 200 [`SessionInfo`], 401, 409 once it is over, 429 | anyone |
//! | `POST /api/box/setup/step` | [`StepDone`] | 200 [`SessionInfo`] | set-up |
//! | `POST /api/box/setup/check` | [`StepCheck`] | 200 [`Check`]s: whether what it has stored works | administrator, set-up |
//! | `POST /api/box/setup/finish` | – | 200 [`SessionInfo`], 409 without an administrator | set-up |
//! | `POST /api/box/sign-in` | [`SignIn`] | 200 [`SessionInfo`], 401, 403 without second factor, 429 | anyone |
//! | `POST /api/box/sign-out` | – | 200 [`SessionInfo`] | anyone |
//! | `GET /api/box/accounts` | – | 200 [`AccountInfo`]s | administrator |
//! | `POST /api/box/accounts` | [`NewAccount`] | 201 [`NewSecondFactor`], 409 | administrator, set-up |
//! | `POST /api/box/accounts/confirm` | [`ConfirmAccount`] | 200 [`AccountInfo`] | administrator, set-up |
//! | `POST /api/box/accounts/remove` | [`AccountName`] | 200 [`AccountInfo`]s, 409 for the last one | administrator |
//! | `POST /api/box/password` | [`NewPassword`] | 200, 401 | its owner |
//! | `POST /api/box/second-factor` | [`RenewSecondFactor`] | 200 [`NewSecondFactor`], 401 | its owner |
//! | `POST /api/box/second-factor/confirm` | [`SecondFactorCode`] | 200 [`SessionInfo`], 401, 409 if none waits | its owner |
//! | `GET /api/box/settings/AREA` | – | 200, the area | administrator, set-up |
//! | `PUT /api/box/settings/AREA` | the area | 200, the area; 409 if `revision` is not the stored one | administrator, set-up |
//! | `PUT /api/box/settings/network` | [`NetworkSettings`] | 200 [`NetworkTrial`]: applied, and taken back unless confirmed | administrator, set-up |
//! | `POST /api/box/settings/network/confirm` | [`ConfirmNetwork`] | 200 [`NetworkSettings`], 409 if it is too late | who has the token |
//! | `GET /api/box/settings/mail` | – | 200 [`MailSettings`], without the password | administrator, set-up |
//! | `PUT /api/box/settings/mail` | [`MailSettings`] | 200 [`MailSettings`]; 409 | administrator, set-up |
//! | `POST /api/box/mail/test` | [`MailTest`] | 200 [`MailTestResult`]: sent, or why not; 409 without a server | administrator, set-up |
//! | `GET /api/box/syslog` | – | 200 [`SyslogState`] | administrator |
//! | `GET /api/box/network` | – | 200 [`NetworkState`] | administrator, set-up |
//! | `GET /api/box/clock` | – | 200 [`Clock`] | administrator, set-up |
//! | `GET /api/box/certificate` | – | 200 [`CertificateState`] | administrator, set-up |
//! | `POST /api/box/certificate/request` | [`CertificateRequest`] | 200 [`CertificateState`] | administrator, set-up |
//! | `PUT /api/box/certificate` | [`UploadedCertificate`] | 200 [`CertificateState`], 400 with the reason | administrator, set-up |
//! | `DELETE /api/box/certificate` | – | 200 [`CertificateState`]: the box's own again | administrator, set-up |
//! | `GET /api/box/settings/acme` | – | 200 [`AcmeSettings`], without the key of the binding | administrator, set-up |
//! | `PUT /api/box/settings/acme` | [`AcmeSettings`] | 200 [`AcmeSettings`], 409 if `revision` is not the stored one | administrator, set-up |
//! | `POST /api/box/certificate/acme` | – | 200 [`CertificateState`]: the directory is asked now; 409 if ACME is off | administrator, set-up |
//! | `GET /api/box/recovery-key` | – | 200 [`RecoveryKey`] | administrator, set-up |
//! | `POST /api/box/recovery-key` | [`KeyNoted`] | 200 [`RecoveryKey`]: none any more, 400 if it is another | administrator, set-up |
//! | `GET /api/box/host-key` | – | 200 [`HostKey`] | administrator, set-up |
//! | `POST /api/box/logs` | [`LogQuery`] | 200 [`LogPage`] | administrator |
//! | `POST /api/box/support` | – | 200 [`SupportBundle`] | administrator |
//! | `POST /api/box/self-test` | – | 200 [`SelfTest`] | administrator, set-up |
//! | `GET /api/box/backup` | – | 200 [`BackupState`] | administrator |
//! | `POST /api/box/backup` | – | 200 [`BackupState`]: one was made, 409 without a key | administrator |
//! | `GET /api/box/backup/key` | – | 200 [`BackupKey`] | administrator, set-up |
//! | `PUT /api/box/backup/key` | – | 200 [`BackupKey`]: a new one, used once it is noted | administrator, set-up |
//! | `POST /api/box/backup/key` | [`KeyNoted`] | 200 [`BackupKey`]: none to note any more, 400 if it is another | administrator, set-up |
//! | `POST /api/box/backup/file` | [`BackupName`] | 200 [`SavedFile`] | administrator |
//! | `POST /api/box/backup/deletions` | – | 200 [`SavedFile`]: what has not been deleted so far | administrator |
//! | `POST /api/box/backup/test` | [`BackupName`] | 200 [`RestoreTest`] | administrator |
//! | `POST /api/box/backup/restore` | [`RestoreOrder`] | 200 [`Restored`], 400 with the reason | set-up |
//! | `POST /api/box/rooms/find` | [`RoomQuery`] | 200 [`RoomPage`] | administrator |
//! | `POST /api/box/rooms` | [`NewRoom`] | 201 [`RoomCreated`]: its links, once | administrator |
//! | `POST /api/box/rooms/guest-link` | [`RoomNumber`] | 200 [`RoomDone`]: replaced, 409 unless a host is there | administrator |
//! | `POST /api/box/rooms/end` | [`RoomNumber`] | 200 [`RoomDone`]: ended for all, 409 without a meeting | administrator |
//! | `POST /api/box/rooms/delete` | [`RoomNumber`] | 200 [`RoomDone`]: gone for good | administrator |
//! | `GET /api/box/institution` | – | 200 [`Institution`] | anyone |
//! | `GET /api/box/institution/logo` | – | 200, an image: for good with `?v=` and its [`Institution::logo`]; 404 without one | anyone |
//! | `PUT /api/box/institution/logo` | [`InstitutionLogo`] | 200 [`Institution`]; 400 with the reason, 409 if `revision` is not the stored one | administrator, set-up |
//! | `DELETE /api/box/institution/logo` | – | 200 [`Institution`]: without one | administrator, set-up |
//! | `GET /api/box/overview` | – | 200 [`Overview`] | administrator |
//! | `GET /api/box/history/RANGE` | – | 200 [`History`]; `day`, `week` or `month` | administrator |
//! | `GET /api/box/metrics-access` | – | 200 [`MetricsAccess`] | administrator |
//! | `POST /api/box/metrics-access` | – | 200 [`MetricsToken`]: a new one, in the place of another | administrator |
//! | `DELETE /api/box/metrics-access` | – | 200 [`MetricsAccess`]: closed | administrator |
//! | `GET /api/box/metrics` | – | 200, OpenMetrics as text; 404 while closed, 401, 429 | who has the token |
//! | `POST /api/box/power` | [`PowerOrder`] | 200 [`PowerAnswer`]; who would be cut off, if somebody | administrator |
//! | `POST /api/box/factory-reset` | [`FactoryReset`] | 200 [`PowerAnswer`]: who was cut off; 401 if it is not who they say | administrator |
//! | `POST /api/box/update` | [`UpdateOrder`] | 200 [`UpdateState`], 409 with the reason | administrator |
//! | `POST /api/box/update/file` | [`UpdatePart`] | 200 [`UpdateState`], 409 with the reason | administrator |
//! | `GET /api/box/audit`, `/api/box/audit/BEFORE` | – | 200 [`AuditPage`] | auditor |
//! | `POST /api/box/audit/file` | – | 200 [`SavedFile`]: all of it, signed | auditor |
//! | `GET /api/box/audit/forwarding` | – | 200 [`AuditForwarding`] | auditor |
//! | `PUT /api/box/audit/forwarding` | [`ForwardAudit`] | 200 [`AuditForwarding`], 409 if there is another server | auditor |
//!
//! Every other answer than 2xx has the body [`ManagerError`]. The session travels in a cookie, and every call
//! that is no GET bears the header `x-csrf-token` with the token of [`SessionInfo`] once there is one. A page that
//! refreshes itself while nobody uses it says so by the header `x-unattended`: such a call keeps no session alive.

mod acme;
mod areas;
mod audit;
mod backup;
mod certificate;
mod history;
mod mail;
mod metrics;
mod network;
pub mod openapi;
mod overview;
mod rooms;
mod self_test;
mod support;
mod syslog;

pub use acme::{AcmeFailure, AcmePhase, AcmeReason, AcmeSettings, AcmeState};
pub use areas::{HostName, Institution, InstitutionLogo, TimeSettings, UpdateSource};
pub use audit::{AuditEntry, AuditEvent, AuditForwarding, AuditPage, ForwardAudit};
pub use backup::{
    BackupFile, BackupKey, BackupKeyState, BackupName, BackupSettings, BackupState, RestoreOrder,
    RestoreTest, Restored, SavedFile,
};
pub use certificate::{
    CertificateInfo, CertificateKind, CertificateRequest, CertificateState, UploadedCertificate,
};
pub use history::{History, HistoryKind, HistoryRange, HistorySeries};
pub use mail::{MailEncryption, MailOutcome, MailSettings, MailTest, MailTestResult};
pub use metrics::{MetricsAccess, MetricsToken};
pub use network::{
    BondMode, ConfirmNetwork, Ipv4Settings, Ipv6Settings, NetworkSettings, NetworkState, NetworkTrial, Port,
};
pub use overview::{
    Clock, Disk, Display, FactoryReset, HostKey, KeyNoted, MAX_UPDATE_PART_BYTES, Meetings, Overview,
    PowerAction, PowerAnswer, PowerOrder, Problem, RecoveryKey, SettingsArea, SettingsOffer, UpdateAction,
    UpdateOrder, UpdatePart, UpdateState,
};
pub use rooms::{
    NewRoom, RoomCreated, RoomDone, RoomNumber, RoomPage, RoomPlace, RoomQuery, RoomState, RoomSummary,
};
pub use self_test::{Capacity, Check, Checked, Limit, Outcome, SelfTest};
pub use support::{LogLine, LogPage, LogPriority, LogQuery, SupportBundle, SupportPart, SupportWhat};
pub use syslog::{SyslogSettings, SyslogState};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Roles are separate (RM1): an auditor changes nothing, an administrator reads no audit log (LG6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum AdminRole {
    Administrator,
    Auditor,
}

/// A session ends after this time without a call that a person made.
pub const SESSION_IDLE_SECONDS: usize = 30 * 60;

/// What the caller may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct SessionInfo {
    /// Whether the box still waits for its set-up.
    pub setup_open: bool,
    /// Whether there is an administrator who can sign in.
    pub has_administrator: bool,
    /// Whether this session may do what the set-up does.
    pub in_setup: bool,
    /// Steps of the set-up that were done, with this session or an earlier one.
    pub steps_done: Vec<SetupStep>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<SignedIn>,
    /// For the header `x-csrf-token`; only with a session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub csrf_token: Option<String>,
    /// Until the session ends unless a person makes a call; only with a session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_seconds_left: Option<u32>,
    /// Until the session ends whatever happens; only with a session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds_left: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct SignedIn {
    pub name: String,
    pub role: AdminRole,
    pub recovery_codes_left: u32,
}

/// Steps that a person confirms, because the settings may stay as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum SetupStep {
    /// Whether the box is a new one, or takes the place of another.
    Restore,
    Network,
    Name,
    Time,
    Institution,
    Mail,
    Updates,
    Test,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(deny_unknown_fields)]
pub struct StepDone {
    pub step: SetupStep,
    /// `false`: it is gone back to.
    pub done: bool,
}

/// What this step has stored is tried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(deny_unknown_fields)]
pub struct StepCheck {
    pub step: SetupStep,
}

/// What stands on the box's display.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(deny_unknown_fields)]
pub struct SetupCode {
    pub code: String,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    pub name: String,
    pub password: String,
    /// A one-time password, or a recovery code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(deny_unknown_fields)]
pub struct NewAccount {
    /// 3 to 64 letters, digits and `.-_@+`; case does not matter.
    pub name: String,
    /// 12 to 128 characters.
    pub password: String,
    pub role: AdminRole,
}

/// Shown once. It holds after [`ConfirmAccount`] or [`SecondFactorCode`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct NewSecondFactor {
    pub name: String,
    /// Base32 (RFC 4648 section 6).
    pub secret: String,
    /// `otpauth://`, for a QR code.
    pub uri: String,
    /// `uri` as a QR code, one text per row: `1` is a dark module.
    pub qr: Vec<String>,
    pub recovery_codes: Vec<String>,
}

/// A code of the new second factor, as a proof that the device has it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(deny_unknown_fields)]
pub struct ConfirmAccount {
    pub name: String,
    pub code: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(deny_unknown_fields)]
pub struct AccountName {
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct AccountInfo {
    pub name: String,
    pub role: AdminRole,
    /// Whether its second factor has been confirmed.
    pub confirmed: bool,
    pub recovery_codes_left: u32,
    /// Milliseconds since 1970.
    #[ts(type = "number")]
    pub created: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(type = "number | null")]
    pub last_sign_in: Option<u64>,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(deny_unknown_fields)]
pub struct NewPassword {
    pub old: String,
    pub new: String,
}

/// Another second factor for one's own account. Its owner proves once more who they are (AU8).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(deny_unknown_fields)]
pub struct RenewSecondFactor {
    pub password: String,
    /// Of the former one: a one-time password, or a recovery code.
    pub code: String,
}

/// Of the new second factor, from the session that was shown it. The former one holds no longer.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(deny_unknown_fields)]
pub struct SecondFactorCode {
    pub code: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct ManagerError {
    pub error: ManagerErrorCode,
    /// For developers, in English.
    pub detail: String,
    /// The field of the body that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Seconds after which trying again makes sense, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum ManagerErrorCode {
    Malformed,
    /// The session has ended, or there was none.
    NotSignedIn,
    /// Another role may.
    NotAllowed,
    /// The token against forged requests is missing or wrong.
    Forged,
    /// Name, password or code.
    WrongCredentials,
    SecondFactorNeeded,
    TooManyAttempts,
    WeakPassword,
    /// Somebody else has changed it meanwhile, or it is there already.
    Conflict,
    SetupOver,
    LastAdministrator,
    UnknownAccount,
    /// No certificate, no key, or of a kind that browsers do not take.
    CertificateUnreadable,
    CertificateKeyMismatch,
    /// One does not follow from the next, or comes at the wrong place.
    CertificateChain,
    CertificateExpired,
    CertificateNotYetValid,
    /// It is not for the name of this box.
    CertificateWrongName,
    /// It is not for a server.
    CertificateWrongUse,
    /// No backup of Plenum, or a damaged one.
    BackupUnreadable,
    BackupWrongKey,
    /// A newer version made it.
    BackupTooNew,
    UnknownRoom,
    /// Nobody meets in this room.
    NoMeeting,
    /// No host is there from whose link another one for guests could be made.
    NoHost,
    /// The part of the box that has the rooms does not answer, or cannot store anything.
    MeetingsUnavailable,
    Unavailable,
}
