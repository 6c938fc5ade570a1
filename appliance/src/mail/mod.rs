//! Mail by a server of the institution. [`smtp`] hands it over, [`message`] writes it, and [`notices`] decides when
//! the box has something to say.

mod message;
mod notices;
mod smtp;

pub use message::{notice, test};
pub use notices::{Notice, Notices};
pub use smtp::{Failure, send, try_out};

use plenum_protocol::manager::MailSettings;

/// A server that takes mail, and what the box needs for it.
#[derive(Clone)]
pub struct Relay {
    pub settings: MailSettings,
    pub password: String,
    /// What the box is called.
    pub host_name: String,
}
