//! Who may administer the box: accounts, passwords, second factors, sessions.

pub mod account;
pub mod code;
pub mod password;
pub mod second_factor;
pub mod sessions;
