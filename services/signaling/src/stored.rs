//! The stored types, each with category, purpose and retention (DM1).
//!
//! Rooms lie in `state_dir`. Everything about a running meeting lies in `runtime_dir`, in the image a tmpfs,
//! and is removed when the meeting ends.

use crate::records::{CHAT_CEILING, MeetingRecord, RoomRecord, SeatRecord, Standing};
use plenum_protocol::PersonId;
use plenum_protocol::server::ChatMessage;
use plenum_store::{Category, Declaration, Field, Retention, Stored};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// `room_days` may ask for less.
pub const ROOM_CEILING: Duration = Duration::from_secs(3_650 * 86_400);
const TO_THE_END: Retention = Retention::UntilRemoved("the end of the meeting");

/// Everything that this daemon stores, for the register of processing activities.
pub fn stored_types() -> Vec<Declaration> {
    vec![
        Declaration::of::<RoomRecord>(),
        Declaration::of::<MeetingRecord>(),
        Declaration::of::<SeatRecord>(),
        Declaration::of::<ChatPart>(),
        Declaration::of::<Pass>(),
        Declaration::of::<SfuInstance>(),
    ]
}

impl Stored for RoomRecord {
    type Key = u64;
    const TREE: &'static str = "rooms";
    const CATEGORY: Category = Category::Participation;
    const PURPOSE: &'static str = "lets people meet again by the same link";
    const RETENTION: Retention = Retention::AfterChange(ROOM_CEILING);
    const KEY: Field = Field::new("room", "random number of the room");
    const FIELDS: &'static [Field] = &[
        Field::new("title", "title as its opener typed it; empty once the meeting was ended"),
        Field::new("host", "SHA-256 of the host link").category(Category::Credential),
        Field::new("guest", "SHA-256 of the link for guests").category(Category::Credential),
        Field::new("generation", "how often the link for guests was replaced").category(Category::Operation),
        Field::new("used", "when a meeting last began or ended in it"),
        Field::new("ended", "when a host or an administrator ended it for good"),
    ];
}

impl Stored for MeetingRecord {
    type Key = u64;
    const TREE: &'static str = "meetings";
    const CATEGORY: Category = Category::Operation;
    const PURPOSE: &'static str = "lets a running meeting go on after a restart of the daemon";
    const RETENTION: Retention = TO_THE_END;
    const KEY: Field = Field::new("room", "random number of the room");
    const FIELDS: &'static [Field] = &[
        Field::new("meeting", "random number of the meeting"),
        Field::new("started", "when it began"),
        Field::new("next_person", "number of the next person to come in"),
    ];
}

impl Stored for SeatRecord {
    type Key = (u64, PersonId);
    const TREE: &'static str = "seats";
    const CATEGORY: Category = Category::Participation;
    const PURPOSE: &'static str = "gives people their seat back after a restart of the daemon";
    const RETENTION: Retention = TO_THE_END;
    const KEY: Field =
        Field::new("meeting, person", "random number of the meeting, number of the person in it");
    const FIELDS: &'static [Field] = &[
        Field::new("name", "name as the person typed it"),
        Field::new("role", "host or guest"),
        Field::new("resume", "SHA-256 of the seat's secret").category(Category::Credential),
        Field::new("sources", "whether microphone, camera or screen are on"),
        Field::new("muted_by", "number of the host who muted the person"),
        Field::new("hand", "place among the raised hands"),
        Field::new("offered.client", "number of the media connection").category(Category::Connection),
        Field::new("offered.print", "hash that tells media connections apart").category(Category::Connection),
        Field::new("offered.number", "its number towards the SFU").category(Category::Connection),
    ];
}

/// A chat message, or a part of a long one: a record has 4 KB at the most.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatPart {
    pub person: PersonId,
    pub name: String,
    pub text: String,
    pub sent: u64,
}

impl Stored for ChatPart {
    /// Meeting, message, part.
    type Key = (u64, u32, u16);
    const TREE: &'static str = "chat";
    const CATEGORY: Category = Category::Content;
    const PURPOSE: &'static str = "shows people who come later what was written in the running meeting";
    const RETENTION: Retention = Retention::AfterCreation(CHAT_CEILING);
    const KEY: Field =
        Field::new("meeting, message, part", "random number of the meeting, number of the message, its part");
    const FIELDS: &'static [Field] = &[
        Field::new("person", "number of the writer in the meeting"),
        Field::new("name", "name of the writer at the time").category(Category::Participation),
        Field::new("text", "what was written"),
        Field::new("sent", "when it was written"),
    ];
}

/// The secret of a seat that was given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pass {
    pub standing: Standing,
}

impl Stored for Pass {
    /// Meeting, SHA-256 of the secret.
    type Key = (u64, [u8; 32]);
    const TREE: &'static str = "passes";
    const CATEGORY: Category = Category::Credential;
    const PURPOSE: &'static str = "keeps removed people out, and lets those who left come back";
    const RETENTION: Retention = TO_THE_END;
    const KEY: Field = Field::new("meeting, secret", "random number of the meeting, SHA-256 of the secret");
    const FIELDS: &'static [Field] = &[Field::new("standing", "whether the person left or was removed")];
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SfuInstance {
    pub instance: String,
}

impl Stored for SfuInstance {
    type Key = ();
    const TREE: &'static str = "sfu";
    const CATEGORY: Category = Category::Operation;
    const PURPOSE: &'static str = "tells whether media connections outlived a restart of the daemon";
    const RETENTION: Retention = Retention::UntilRemoved("the next restart of the machine");
    const KEY: Field = Field::new("", "there is only one");
    const FIELDS: &'static [Field] = &[Field::new("instance", "random name of the SFU's present run")];
}

/// Bytes of text in one part: escaped for JSON at most twice as many.
const PART_BYTES: usize = 1_400;

/// A message as it is stored, by part.
pub fn split(message: &ChatMessage) -> Vec<ChatPart> {
    let mut parts = Vec::new();
    let mut rest = message.text.as_str();
    loop {
        let cut = rest.floor_char_boundary(PART_BYTES);
        let (text, more) = rest.split_at(cut);
        parts.push(ChatPart {
            person: message.person,
            name: message.name.clone(),
            text: text.to_owned(),
            sent: message.sent,
        });
        rest = more;
        if rest.is_empty() {
            return parts;
        }
    }
}

/// How many parts a text of this length can have.
pub fn max_parts(bytes: usize) -> u16 {
    // A cut loses three bytes at the most, the rest of a character.
    (bytes / (PART_BYTES - 3) + 1).try_into().unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::Offered;
    use crate::rooms::MeetingId;
    use crate::secret::Digest;
    use plenum_protocol::media::Source;
    use plenum_protocol::server::Role;
    use plenum_store::check_fields;

    #[test]
    fn dm1_every_stored_field_is_declared() {
        let digest = Digest::of(b"x");
        let room = RoomRecord {
            title: "t".into(),
            host: digest,
            guest: digest,
            generation: 1,
            used: 1,
            ended: Some(2),
        };
        check_fields(&[room]).unwrap();
        check_fields(&[MeetingRecord { meeting: MeetingId(1), started: 1, next_person: 1 }]).unwrap();
        let seat = SeatRecord {
            name: "n".into(),
            role: Role::Host,
            resume: digest,
            sources: vec![Source::Camera],
            muted_by: Some(1),
            hand: Some(1),
            offered: Some(Offered { client: 1, print: 1, number: 1 }),
        };
        check_fields(&[seat]).unwrap();
        check_fields(&[ChatPart { person: 1, name: "n".into(), text: "t".into(), sent: 1 }]).unwrap();
        check_fields(&[Pass { standing: Standing::Former }, Pass { standing: Standing::Removed }]).unwrap();
        check_fields(&[SfuInstance { instance: "i".into() }]).unwrap();
    }

    #[test]
    fn rm9_nothing_about_attention_is_stored() {
        for declaration in stored_types() {
            for field in declaration.fields {
                let text = format!("{} {}", field.name, field.what);
                for word in ["attention", "focus", "speaking_time", "talk", "active", "engagement", "idle"] {
                    assert!(!text.contains(word), "{}: {text}", declaration.tree);
                }
            }
        }
    }

    #[test]
    fn long_messages_are_split_and_fit() {
        for text in ["x".repeat(4_000), "\"".repeat(4_000), "\u{1f600}".repeat(4_000), "ä\n".repeat(2_000)] {
            let message = ChatMessage { id: 1, person: 1, name: "😀".repeat(64), text, sent: u64::MAX };
            let parts = split(&message);
            assert!(parts.len() <= usize::from(max_parts(message.text.len())));
            let joined: String = parts.iter().map(|part| part.text.as_str()).collect();
            assert_eq!(joined, message.text);
            for part in parts {
                assert!(serde_json::to_vec(&part).unwrap().len() < 3_900);
            }
        }
    }
}
