//! The box's display and keyboard. The daemon answers [`service`]; `plenum-console` shows it, as a program of its
//! own, because whoever types at a box is not yet somebody who may administer it.

mod screen;
mod service;
mod state;
mod words;

pub use screen::{Line, lines};
pub use service::serve;
pub use state::{Console, Dialog, Key, Order};
pub use words::Language;
