//! What is said about media, on the WebSocket and on D-Bus alike.

use crate::PersonId;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What a person can send. The string form is the one on the wire and on D-Bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    Microphone,
    Camera,
    Screen,
    ScreenAudio,
}

impl Source {
    pub const ALL: [Source; 4] = [Source::Microphone, Source::Camera, Source::Screen, Source::ScreenAudio];

    pub fn is_audio(self) -> bool {
        matches!(self, Source::Microphone | Source::ScreenAudio)
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Source::Microphone => "microphone",
            Source::Camera => "camera",
            Source::Screen => "screen",
            Source::ScreenAudio => "screen_audio",
        }
    }

    pub fn parse(text: &str) -> Option<Source> {
        Source::ALL.into_iter().find(|source| source.as_str() == text)
    }
}

/// What an m-line of a client's offer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum LineUse {
    Microphone,
    Camera,
    Screen,
    ScreenAudio,
    /// A receive slot. The n-th audio slot and the n-th video slot, counted in the order of the m-lines,
    /// are a pair: the answer gives both the same msid stream id, so that the browser keeps lip sync.
    Slot,
}

impl LineUse {
    pub fn source(self) -> Option<Source> {
        match self {
            LineUse::Microphone => Some(Source::Microphone),
            LineUse::Camera => Some(Source::Camera),
            LineUse::Screen => Some(Source::Screen),
            LineUse::ScreenAudio => Some(Source::ScreenAudio),
            LineUse::Slot => None,
        }
    }

    pub fn as_str(self) -> &'static str {
        self.source().map_or("slot", Source::as_str)
    }

    pub fn parse(text: &str) -> Option<LineUse> {
        Some(match text {
            "slot" => LineUse::Slot,
            "microphone" => LineUse::Microphone,
            "camera" => LineUse::Camera,
            "screen" => LineUse::Screen,
            "screen_audio" => LineUse::ScreenAudio,
            _ => return None,
        })
    }
}

/// One m-line of an offer: its mid (RFC 9143) and its use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct Line {
    pub mid: String,
    pub r#use: LineUse,
}

/// Somebody whom a client shows, and how large.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct Tile {
    pub person: PersonId,
    /// [`Source::Camera`] or [`Source::Screen`].
    pub source: Source,
    /// Device pixels (CSS pixels × device pixel ratio).
    pub width: u16,
    pub height: u16,
}

/// What a receive slot carries at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct SlotContent {
    pub person: PersonId,
    pub source: Source,
}

/// How well media of or to one person gets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    Good,
    Fair,
    Poor,
    /// Nothing has arrived for five seconds.
    Lost,
}

/// Why a connection is not good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum QualityReason {
    None,
    /// Packets from the person get lost on their way to the server.
    UplinkLoss,
    /// Packets to the person get lost on their way from the server.
    DownlinkLoss,
    /// Packets take long or arrive unevenly.
    Delay,
    /// The downlink carries less than what the person wants to see.
    Bandwidth,
}

macro_rules! wire_names {
    ($type:ty { $($variant:ident => $name:literal),+ $(,)? }) => {
        impl $type {
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            pub fn parse(text: &str) -> Option<Self> {
                Some(match text { $($name => Self::$variant,)+ _ => return None })
            }
        }
    };
}

wire_names!(Grade { Good => "good", Fair => "fair", Poor => "poor", Lost => "lost" });
wire_names!(QualityReason {
    None => "none",
    UplinkLoss => "uplink_loss",
    DownlinkLoss => "downlink_loss",
    Delay => "delay",
    Bandwidth => "bandwidth",
});
