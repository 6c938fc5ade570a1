//! The certificate that the box shows.

use super::AcmeState;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(rename_all = "snake_case")]
pub enum CertificateKind {
    /// Made by the box: browsers warn of it.
    #[default]
    Own,
    Uploaded,
    /// From the ACME directory.
    Acme,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct CertificateState {
    pub kind: CertificateKind,
    /// As visitors see it; missing while the pages do not answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shown: Option<CertificateInfo>,
    /// PKCS #10 (RFC 2986) in PEM, of a request that waits for its certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// Missing where the box does not get its certificate by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acme: Option<AcmeState>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
pub struct CertificateInfo {
    pub subject: String,
    pub issuer: String,
    /// Host names and addresses that it is for.
    pub names: Vec<String>,
    /// Seconds since 1970.
    #[ts(type = "number")]
    pub not_before: i64,
    #[ts(type = "number")]
    pub not_after: i64,
    /// SHA-256 of the certificate (DER): pairs of hexadecimal digits with colons.
    pub fingerprint: String,
}

/// For an authority of the institution: the box makes the key, and keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(deny_unknown_fields)]
pub struct CertificateRequest {
    /// Up to 10 host names or addresses; the first is the common name.
    pub names: Vec<String>,
    #[serde(default)]
    pub organization: String,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[serde(deny_unknown_fields)]
pub struct UploadedCertificate {
    /// PEM: the box's certificate first, then each one that signed the one before.
    pub chain: String,
    /// PEM, PKCS #8, PKCS #1 or SEC 1, without a passphrase. Missing: that of the box's own request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}
