//! Certificates for the pages: what one says, whether browsers would take it, and requests for new ones. And whom the
//! box trusts itself.

mod authorities;
mod chain;
mod inspect;
mod request;
mod shown;

pub use authorities::{authorities, read as read_authorities, trusting};
pub use chain::{Chain, Fault};
pub use inspect::info;
pub use request::{MAX_COMMON_NAME_CHARS, Requested, request};
pub use shown::Probe;
