use crate::records::ChatKey;
use plenum_protocol::server::ChatMessage;
use std::collections::VecDeque;

/// Messages kept for those who come later.
const MAX_MESSAGES: usize = 500;
/// Bytes of their texts: a `welcome` stays below 2 MB.
const MAX_BYTES: usize = 1024 * 1024;

/// The last messages of a meeting.
#[derive(Debug, Default)]
pub(super) struct ChatLog {
    messages: VecDeque<ChatMessage>,
    bytes: usize,
    last: u32,
}

impl ChatLog {
    pub(super) fn next_id(&self) -> u32 {
        self.last + 1
    }

    /// Appends a message; those that fall out are returned.
    pub(super) fn push(&mut self, message: ChatMessage) -> Vec<ChatKey> {
        self.last = message.id;
        self.bytes += message.text.len();
        self.messages.push_back(message);
        let mut dropped = Vec::new();
        while self.messages.len() > MAX_MESSAGES || self.bytes > MAX_BYTES {
            dropped.extend(self.pop());
        }
        dropped
    }

    /// Drops what was written before a time, in milliseconds since the Unix epoch.
    pub(super) fn drop_before(&mut self, time: u64) {
        while self.messages.front().is_some_and(|message| message.sent < time) {
            self.pop();
        }
    }

    fn pop(&mut self) -> Option<ChatKey> {
        let oldest = self.messages.pop_front()?;
        self.bytes -= oldest.text.len();
        Some(ChatKey::of(&oldest))
    }

    pub(super) fn to_vec(&self) -> Vec<ChatMessage> {
        self.messages.iter().cloned().collect()
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = ChatKey> {
        self.messages.iter().map(ChatKey::of)
    }
}
