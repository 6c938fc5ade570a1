//! Why a call is refused, for the person who made it.

use plenum_protocol::manager::{ManagerError, ManagerErrorCode};
use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.detail)]
pub struct Refused(pub ManagerError);

impl Refused {
    pub fn new(error: ManagerErrorCode, detail: impl Into<String>) -> Refused {
        Refused(ManagerError { error, detail: detail.into(), field: None, retry_after: None })
    }

    pub fn in_field(mut self, field: &str) -> Refused {
        self.0.field = Some(field.to_owned());
        self
    }

    pub fn malformed(field: &str, detail: impl Into<String>) -> Refused {
        Refused::new(ManagerErrorCode::Malformed, detail).in_field(field)
    }

    pub fn not_signed_in() -> Refused {
        Refused::new(ManagerErrorCode::NotSignedIn, "nobody is signed in, or the session has ended")
    }

    pub fn not_allowed() -> Refused {
        Refused::new(ManagerErrorCode::NotAllowed, "another role may do this")
    }

    pub fn wrong_credentials() -> Refused {
        Refused::new(ManagerErrorCode::WrongCredentials, "name, password or code are wrong")
    }

    pub fn too_many(wait: Duration) -> Refused {
        let seconds = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1);
        let mut refused = Refused::new(ManagerErrorCode::TooManyAttempts, "too many wrong attempts");
        refused.0.retry_after = Some(seconds);
        refused
    }

    pub fn conflict(detail: &str) -> Refused {
        Refused::new(ManagerErrorCode::Conflict, detail)
    }

    /// A call that panicked.
    pub fn mistake(error: &dyn std::fmt::Display) -> Refused {
        log::error!(error:%; "a call of the manager panicked");
        Refused::new(ManagerErrorCode::Unavailable, "the box has made a mistake; its log says which")
    }

    pub fn code(&self) -> ManagerErrorCode {
        self.0.error
    }
}

impl From<plenum_store::Error> for Refused {
    fn from(error: plenum_store::Error) -> Refused {
        log::error!(error:%; "the manager's store");
        let mut refused =
            Refused::new(ManagerErrorCode::Unavailable, "nothing was changed: the box could not store it");
        refused.0.retry_after = Some(2);
        refused
    }
}
