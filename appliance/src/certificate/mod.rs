//! Certificates for the pages: what one says, whether browsers would take it, and requests for new ones.

mod chain;
mod inspect;
mod request;
mod shown;

pub use chain::{Chain, Fault};
pub use inspect::info;
pub use request::{MAX_COMMON_NAME_CHARS, Requested, request};
pub use shown::Probe;
