//! Who may do what (RM1): one table.

use plenum_protocol::client::ClientMessageKind::{self, *};
use plenum_protocol::server::Role;

/// Whether somebody with this role may send messages of this kind. What they may do to whom is checked
/// where it is done.
pub fn may(role: Role, kind: ClientMessageKind) -> bool {
    match kind {
        Mute | MuteAll | LowerHand | Remove | EndForAll => role == Role::Host,
        Hello | Offer | Watch | Sending | Chat | Hand | React | Leave | Ping => true,
    }
}
