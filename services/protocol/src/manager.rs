//! Bodies of the manager's JSON API, which `web` hands to `appliance`: set-up and administration of the box.
//!
//! | call | body | answer | who |
//! |---|---|---|---|
//! | `GET /api/box/session` | – | 200 [`SessionInfo`] | anyone |
//! | `POST /api/box/setup` | [`SetupCode`] | 200 [`SessionInfo`], 401, 409 once it is over, 429 | anyone |
//! | `POST /api/box/setup/finish` | – | 200 [`SessionInfo`], 409 without an administrator | set-up |
//! | `POST /api/box/sign-in` | [`SignIn`] | 200 [`SessionInfo`], 401, 403 without second factor, 429 | anyone |
//! | `POST /api/box/sign-out` | – | 200 [`SessionInfo`] | anyone |
//! | `GET /api/box/accounts` | – | 200 [`AccountInfo`]s | administrator |
//! | `POST /api/box/accounts` | [`NewAccount`] | 201 [`NewSecondFactor`], 409 | administrator, set-up |
//! | `POST /api/box/accounts/confirm` | [`ConfirmAccount`] | 200 [`AccountInfo`] | administrator, set-up |
//! | `POST /api/box/accounts/remove` | [`AccountName`] | 200 [`AccountInfo`]s, 409 for the last one | administrator |
//! | `POST /api/box/password` | [`NewPassword`] | 200, 401 | its owner |
//! | `GET /api/box/settings/AREA` | – | 200, the area | administrator, set-up |
//! | `PUT /api/box/settings/AREA` | the area | 200, the area; 409 if `revision` is not the stored one | administrator, set-up |
//! | `GET /api/box/audit`, `/api/box/audit/BEFORE` | – | 200 [`AuditPage`] | auditor |
//!
//! Every other answer than 2xx has the body [`ManagerError`]. The session travels in a cookie, and every call
//! that is no GET bears the header `x-csrf-token` with the token of [`SessionInfo`] once there is one.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Roles are separate (RM1): an auditor changes nothing, an administrator reads no audit log (LG6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum AdminRole {
    Administrator,
    Auditor,
}

/// What the caller may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct SessionInfo {
    /// Whether the box still waits for its set-up.
    pub setup_open: bool,
    /// Whether there is an administrator who can sign in.
    pub has_administrator: bool,
    /// Whether this session may do what the set-up does.
    pub in_setup: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<SignedIn>,
    /// For the header `x-csrf-token`; only with a session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub csrf_token: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct SignedIn {
    pub name: String,
    pub role: AdminRole,
}

/// What stands on the box's display.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct SetupCode {
    pub code: String,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    pub name: String,
    pub password: String,
    /// A one-time password, or a recovery code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct NewAccount {
    /// 3 to 64 letters, digits and `.-_@+`; case does not matter.
    pub name: String,
    /// 12 to 128 characters.
    pub password: String,
    pub role: AdminRole,
}

/// Shown once. The account opens after [`ConfirmAccount`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
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
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct ConfirmAccount {
    pub name: String,
    pub code: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct AccountName {
    pub name: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
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

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct NewPassword {
    pub old: String,
    pub new: String,
}

/// Who runs the box: what every page names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields, default)]
pub struct Institution {
    /// Counts up with every change; a change names the one that it is based on.
    pub revision: u32,
    /// Up to 120 characters.
    pub name: String,
    /// `https://` addresses of the institution's own pages, or empty.
    pub imprint: String,
    pub privacy: String,
    /// How to reach the data-protection officer.
    pub data_protection_officer: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
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

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
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
    SettingsChanged,
    AuditRead,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
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

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
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
    Unavailable,
}
