//! The protocol's documentation, made from its types.

use crate::client::ClientMessageKind;
use crate::limits;

/// The whole content of `docs/protocol.md`.
pub fn page() -> String {
    let types = crate::typescript::module();
    let types = types.split_once("\n\n").map_or("", |(_, rest)| rest);
    include_str!("protocol.md")
        .replace("VERSION", &crate::PROTOCOL_VERSION.to_string())
        .replace("LIMITS", &limit_table())
        .replace("TYPES", types)
}

fn limit_table() -> String {
    let mut table = String::from("| message | bytes | at once | per minute |\n|---|---|---|---|\n");
    for kind in ClientMessageKind::ALL {
        let limit = limits::of(kind);
        table += &format!(
            "| `{}` | {} | {} | {} |\n",
            kind.as_str(),
            limit.max_bytes,
            limit.burst,
            limit.per_minute
        );
    }
    table.trim_end().to_owned()
}
