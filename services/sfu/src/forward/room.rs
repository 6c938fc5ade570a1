//! A meeting: who is in it, and who is heard.

use super::clock::{Micros, NEVER};
use super::speakers::Speakers;
use plenum_protocol::PersonId;
use rustc_hash::FxHashMap;
use std::sync::Arc;

#[derive(Debug)]
pub(super) struct Room {
    pub(super) name: Arc<str>,
    pub(super) peers: Vec<u32>,
    pub(super) people: FxHashMap<PersonId, u32>,
    pub(super) speakers: Speakers,
    /// Live tracks of screens' sound, the newest first.
    pub(super) screen_audio: Vec<u32>,
    /// What was last said about the speakers, and when.
    pub(super) speaking: Vec<(PersonId, u8)>,
    pub(super) speaking_at: Micros,
}

impl Room {
    pub(super) fn new(name: Arc<str>) -> Self {
        Room {
            name,
            peers: Vec::new(),
            people: FxHashMap::default(),
            speakers: Speakers::default(),
            screen_audio: Vec::new(),
            speaking: Vec::new(),
            speaking_at: NEVER,
        }
    }
}
