//! The prerecorded media that a call sends, compiled in (services/peer/media/README.md).

use bytes::Bytes;
use rtc::media::io::ivf_reader::IVFReader;
use rtc::media::io::ogg_reader::OggReader;
use std::sync::OnceLock;

/// A VP8 stream that begins with its only key frame.
pub struct VideoClip {
    pub width: u16,
    pub height: u16,
    pub frames: Vec<Bytes>,
}

/// Frames per second of every clip.
pub const FRAME_RATE: u32 = 20;
/// Milliseconds of every Opus packet.
pub const PACKET_MILLIS: u32 = 20;
/// The tone's level in −dBov (RFC 6464): a sine of a quarter of full scale.
pub const AUDIO_LEVEL: u8 = 15;

static VIDEO_FILES: [&[u8]; 3] = [
    include_bytes!("../media/vp8-320x180.ivf"),
    include_bytes!("../media/vp8-640x360.ivf"),
    include_bytes!("../media/vp8-1280x720.ivf"),
];
static AUDIO_FILE: &[u8] = include_bytes!("../media/opus.ogg");

/// The three simulcast layers of one picture, the smallest first.
pub fn video() -> &'static [VideoClip; 3] {
    static CLIPS: OnceLock<[VideoClip; 3]> = OnceLock::new();
    CLIPS.get_or_init(|| VIDEO_FILES.map(read_ivf))
}

/// Opus packets.
pub fn audio() -> &'static [Bytes] {
    static PACKETS: OnceLock<Vec<Bytes>> = OnceLock::new();
    PACKETS.get_or_init(read_ogg)
}

fn read_ivf(file: &'static [u8]) -> VideoClip {
    let (mut reader, header) = IVFReader::new(file).expect("the clips are part of this crate, and tested");
    let mut frames = Vec::new();
    while let Ok((frame, _)) = reader.parse_next_frame() {
        frames.push(frame.freeze());
    }
    VideoClip { width: header.width, height: header.height, frames }
}

/// One packet a page, behind the two pages with headers.
fn read_ogg() -> Vec<Bytes> {
    let (mut reader, _) =
        OggReader::new(AUDIO_FILE, true).expect("the clip is part of this crate, and tested");
    let mut packets = Vec::new();
    while let Ok((page, _)) = reader.parse_next_page() {
        if !page.starts_with(b"OpusTags") && !page.is_empty() {
            packets.push(page.freeze());
        }
    }
    packets
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vp8::key_frame_size;

    #[test]
    fn clips_have_real_frames() {
        for (clip, size) in video().iter().zip([(320, 180), (640, 360), (1280, 720)]) {
            assert_eq!((clip.width, clip.height), size);
            assert_eq!(clip.frames.len(), 4 * FRAME_RATE as usize);
            assert_eq!(key_frame_size(&clip.frames[0]), Some(size));
            assert!(clip.frames[1..].iter().all(|frame| key_frame_size(frame).is_none()));
        }
    }

    #[test]
    fn audio_is_four_seconds_of_twenty_milliseconds() {
        let packets = audio();
        assert!((200..=202).contains(&packets.len()), "{}", packets.len());
        // TOC (RFC 6716, section 3.1): one frame of 20 ms a packet.
        assert!(packets.iter().all(|packet| packet[0] & 0b11 == 0));
    }
}
