//! The JSON API of the manager over HTTP. `web` is the only client; it names the browser's address in
//! `X-Forwarded-For` and lets only pages of its own origin ask.

mod access;
mod auditors;
mod backup;
mod detached;
mod display;
mod extract;
mod institution;
mod mail;
mod monitoring;
mod orders;
mod rooms;
mod settings;
mod support;

use crate::backup::Backups;
use crate::machine::Machine;
use crate::manager::{Manager, Now, Refused, blocking};
use axum::extract::DefaultBodyLimit;
use axum::extract::rejection::JsonRejection;
use axum::http::{StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use plenum_protocol::manager::{
    AcmeSettings, BackupSettings, HostName, Institution, MAX_UPDATE_PART_BYTES, MailSettings,
    ManagerErrorCode, NetworkSettings, SyslogSettings, TimeSettings, UpdateSource,
};
use serde_path_to_error::Segment;
use std::error::Error;
use std::iter;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

/// A chain of certificates is the longest.
const MAX_BODY_BYTES: usize = 64 * 1024;
/// Two files in base64; `web` has the same limit.
const MAX_BACKUP_BYTES: usize = 24 << 20;
/// A part of an update in base64.
const MAX_PART_BYTES: usize = MAX_UPDATE_PART_BYTES / 3 * 4 + 1_024;
/// The longest name of a field is shorter: what is longer, the client has made up.
const MAX_FIELD_BYTES: usize = 40;
/// A logo in base64.
const MAX_LOGO_BYTES: usize = 512 << 10;
/// RFC 6265bis section 4.1.3.2: bound to this host, sent over TLS only.
const COOKIE: &str = "__Host-plenum-box";

#[derive(Clone)]
pub struct Api {
    manager: Arc<Manager>,
    machine: Arc<Machine>,
    backups: Arc<Backups>,
    started: Instant,
    /// What an administrator's device calls this box.
    issuer: Arc<str>,
}

impl Api {
    pub fn new(
        manager: Arc<Manager>,
        machine: Machine,
        backups: Arc<Backups>,
        started: Instant,
        issuer: &str,
    ) -> Api {
        Api { manager, machine: Arc::new(machine), backups, started, issuer: issuer.into() }
    }

    pub fn router(self) -> Router {
        Router::new()
            .route("/api/box/session", get(access::session))
            .route("/api/box/setup", post(access::open_setup))
            .route("/api/box/setup/step", post(access::step_done))
            .route("/api/box/setup/check", post(orders::check_step))
            .route("/api/box/setup/finish", post(access::finish_setup))
            .route("/api/box/sign-in", post(access::sign_in))
            .route("/api/box/sign-out", post(access::sign_out))
            .route("/api/box/accounts", get(access::accounts).post(access::create_account))
            .route("/api/box/accounts/confirm", post(access::confirm_account))
            .route("/api/box/accounts/remove", post(access::remove_account))
            .route("/api/box/password", post(access::change_password))
            .route("/api/box/second-factor", post(access::renew_second_factor))
            .route("/api/box/second-factor/confirm", post(access::confirm_second_factor))
            .route("/api/box/audit", get(auditors::newest))
            .route("/api/box/audit/{before}", get(auditors::before))
            .route("/api/box/audit/file", post(auditors::file))
            .route("/api/box/audit/forwarding", get(auditors::forwarding).put(auditors::forward))
            .route("/api/box/settings/institution", settings::area::<Institution>())
            .route("/api/box/settings/host_name", settings::area::<HostName>())
            .route("/api/box/settings/update", settings::area::<UpdateSource>())
            .route("/api/box/settings/time", settings::area::<TimeSettings>())
            .route(
                "/api/box/settings/network",
                get(settings::read::<NetworkSettings>).put(settings::try_network),
            )
            .route("/api/box/settings/network/confirm", post(settings::confirm_network))
            .route("/api/box/settings/mail", get(settings::read::<MailSettings>).put(mail::set))
            .route("/api/box/mail/test", post(mail::test))
            .route("/api/box/settings/syslog", settings::area::<SyslogSettings>())
            .route("/api/box/syslog", get(support::syslog))
            .route("/api/box/network", get(settings::network))
            .route("/api/box/clock", get(settings::clock))
            .route(
                "/api/box/certificate",
                get(settings::certificate)
                    .put(settings::upload_certificate)
                    .delete(settings::remove_certificate),
            )
            .route("/api/box/settings/acme", get(settings::read::<AcmeSettings>).put(settings::set_acme))
            .route("/api/box/certificate/acme", post(settings::ask_acme))
            .route("/api/box/certificate/request", post(settings::request_certificate))
            .route("/api/box/recovery-key", get(orders::recovery_key).post(orders::take_recovery_key))
            .route("/api/box/host-key", get(orders::host_key))
            .route("/api/box/logs", post(support::logs))
            .route("/api/box/support", post(support::bundle))
            .route("/api/box/self-test", post(orders::self_test))
            .route("/api/box/settings/backup", settings::area::<BackupSettings>())
            .route("/api/box/backup", get(backup::state).post(backup::make))
            .route("/api/box/backup/key", get(backup::key).put(backup::make_key).post(backup::take_key))
            .route("/api/box/backup/file", post(backup::file))
            .route("/api/box/backup/deletions", post(backup::deletions))
            .route("/api/box/backup/test", post(backup::test))
            .route(
                "/api/box/backup/restore",
                post(backup::restore).layer(DefaultBodyLimit::max(MAX_BACKUP_BYTES)),
            )
            .route("/api/box/institution", get(institution::read))
            .route(
                "/api/box/institution/logo",
                get(institution::logo)
                    .put(institution::set_logo)
                    .delete(institution::remove_logo)
                    .layer(DefaultBodyLimit::max(MAX_LOGO_BYTES)),
            )
            .route("/api/box/rooms", post(rooms::create))
            .route("/api/box/rooms/find", post(rooms::find))
            .route("/api/box/rooms/guest-link", post(rooms::replace_guest_link))
            .route("/api/box/rooms/end", post(rooms::end))
            .route("/api/box/rooms/delete", post(rooms::delete))
            .route("/api/box/overview", get(orders::overview))
            .route("/api/box/metrics", get(monitoring::metrics))
            .route(
                "/api/box/metrics-access",
                get(monitoring::metrics_access)
                    .post(monitoring::open_metrics)
                    .delete(monitoring::close_metrics),
            )
            .route("/api/box/history/{range}", get(monitoring::history))
            .route("/api/box/power", post(orders::power))
            .route("/api/box/factory-reset", post(orders::factory_reset))
            .route("/api/box/update", post(orders::update))
            .route(
                "/api/box/update/file",
                post(orders::update_file).layer(DefaultBodyLimit::max(MAX_PART_BYTES)),
            )
            .fallback(async || failure(StatusCode::NOT_FOUND, "there is no such call"))
            .method_not_allowed_fallback(async || {
                failure(StatusCode::METHOD_NOT_ALLOWED, "this call has another method")
            })
            .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
            .layer(middleware::from_fn(detached::to_its_end))
            .with_state(self)
    }

    /// The manager's calls block.
    pub(crate) async fn call<R: Send + 'static>(
        &self,
        work: impl FnOnce(&Manager, Now) -> Result<R, Refused> + Send + 'static,
    ) -> Result<R, Refused> {
        let manager = Arc::clone(&self.manager);
        let now = self.now();
        blocking(move || work(&manager, now)).await
    }

    pub(crate) fn machine(&self) -> &Machine {
        &self.machine
    }

    pub(crate) fn now(&self) -> Now {
        Now { wall: SystemTime::now(), mono: self.started.elapsed() }
    }
}

type Body<T> = Result<Json<T>, JsonRejection>;
type Answer = Result<Response, Refused>;

impl From<JsonRejection> for Refused {
    fn from(rejection: JsonRejection) -> Refused {
        // Not the rejection's text: it may quote what the client sent.
        let detail = match rejection.status() {
            StatusCode::UNSUPPORTED_MEDIA_TYPE => "the content type must be application/json",
            StatusCode::PAYLOAD_TOO_LARGE => "the body is too long",
            _ => "the body is not the JSON that this call takes: see docs/protocol.md",
        };
        let refused = Refused::new(ManagerErrorCode::Malformed, detail);
        match field(&rejection) {
            Some(field) => refused.in_field(&field),
            None => refused,
        }
    }
}

/// Where in the body the first mistake is; which entry of a list it is, no field of a form could show.
fn field(rejection: &JsonRejection) -> Option<String> {
    let mut causes = iter::successors(rejection.source(), |cause| (*cause).source());
    let wrong = causes.find_map(|it| it.downcast_ref::<serde_path_to_error::Error<serde_json::Error>>())?;
    let names = wrong.path().iter().filter_map(|segment| match segment {
        Segment::Map { key } => Some(key.as_str()),
        _ => None,
    });
    let field = names.collect::<Vec<_>>().join(".");
    (!field.is_empty() && field.len() <= MAX_FIELD_BYTES).then_some(field)
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status = match self.code() {
            ManagerErrorCode::Malformed
            | ManagerErrorCode::WeakPassword
            | ManagerErrorCode::CertificateUnreadable
            | ManagerErrorCode::CertificateKeyMismatch
            | ManagerErrorCode::CertificateChain
            | ManagerErrorCode::CertificateExpired
            | ManagerErrorCode::CertificateNotYetValid
            | ManagerErrorCode::CertificateWrongName
            | ManagerErrorCode::CertificateWrongUse
            | ManagerErrorCode::BackupUnreadable
            | ManagerErrorCode::BackupWrongKey
            | ManagerErrorCode::BackupTooNew => StatusCode::BAD_REQUEST,
            ManagerErrorCode::NotSignedIn | ManagerErrorCode::WrongCredentials => StatusCode::UNAUTHORIZED,
            ManagerErrorCode::NotAllowed
            | ManagerErrorCode::Forged
            | ManagerErrorCode::SecondFactorNeeded => StatusCode::FORBIDDEN,
            ManagerErrorCode::UnknownAccount | ManagerErrorCode::UnknownRoom => StatusCode::NOT_FOUND,
            ManagerErrorCode::Conflict
            | ManagerErrorCode::SetupOver
            | ManagerErrorCode::LastAdministrator
            | ManagerErrorCode::NoMeeting
            | ManagerErrorCode::NoHost => StatusCode::CONFLICT,
            ManagerErrorCode::TooManyAttempts => StatusCode::TOO_MANY_REQUESTS,
            ManagerErrorCode::Unavailable | ManagerErrorCode::MeetingsUnavailable => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        };
        let mut response = answer(status, &self.0);
        if let Some(seconds) = self.0.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

fn failure(status: StatusCode, detail: &str) -> Response {
    answer(status, &Refused::new(ManagerErrorCode::Malformed, detail).0)
}

fn answer(status: StatusCode, body: &impl serde::Serialize) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}
