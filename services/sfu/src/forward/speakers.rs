//! Who is heard in a room: the loudest microphones by their audio levels (RFC 6464), with hysteresis.

use super::clock::{MILLISECOND, Micros, SECOND};

/// Microphones that everybody hears.
pub(super) const HEARD: usize = 3;
/// One more, for those who are heard themselves.
const ACTIVE: usize = HEARD + 1;

/// dB by which a newcomer must be louder than the quietest.
const MARGIN: f32 = 6.0;
/// How long somebody stays at least.
const HOLD: Micros = 400 * MILLISECOND;
const ATTACK: f32 = 60_000.0;
const RELEASE: f32 = 400_000.0;
/// −dBov of digital silence.
const SILENCE: u8 = 127;
/// Louder than −50 dBov is speech.
const SPEECH: f32 = 127.0 - 50.0;
const HANGOVER: Micros = 500 * MILLISECOND;
/// Opus sends something every 400 ms even in silence (discontinuous transmission): who sends nothing for
/// longer has stopped, and who sends digital silence for longer is muted.
const STOPPED: Micros = 1_200 * MILLISECOND;
const MUTED: Micros = 2 * SECOND;

#[derive(Debug, Clone, Copy)]
struct Voice {
    track: u32,
    /// dB above digital silence: smoothed, and of the last packet.
    level: f32,
    present: f32,
    updated: Micros,
    /// The last packet, and the last that was not digital silence.
    last: Micros,
    sounding: Micros,
    /// When it was last loud enough for speech.
    spoke: Micros,
    /// When it became one of the active.
    since: Micros,
}

impl Voice {
    fn silent(&self, now: Micros) -> bool {
        now - self.last > STOPPED || now - self.sounding > MUTED
    }

    fn approach(&mut self, level: f32, now: Micros) {
        let elapsed = (now - self.updated).clamp(0, SECOND) as f32;
        let constant = if level > self.level { ATTACK } else { RELEASE };
        self.level += (level - self.level) * (1.0 - (-elapsed / constant).exp());
        self.updated = now;
    }
}

#[derive(Debug, Default)]
pub(super) struct Speakers {
    voices: Vec<Voice>,
    /// Indices into `voices`, the loudest first as far as the hysteresis lets them change. The first
    /// [`HEARD`] are heard by everybody.
    active: [Option<usize>; ACTIVE],
}

impl Speakers {
    /// A packet with this level (−dBov) came from a microphone. True if it should be heard and is not yet.
    pub(super) fn packet(&mut self, track: u32, level: u8, now: Micros) -> bool {
        let at = match self.voices.iter().position(|voice| voice.track == track) {
            Some(at) => at,
            None => {
                self.voices.push(Voice {
                    track,
                    level: 0.0,
                    present: 0.0,
                    updated: now - 20 * MILLISECOND,
                    last: now,
                    sounding: if level < SILENCE { now } else { now - MUTED - 1 },
                    spoke: now - SECOND,
                    since: now,
                });
                self.voices.len() - 1
            }
        };
        let voice = &mut self.voices[at];
        voice.last = now;
        voice.present = f32::from(SILENCE.saturating_sub(level));
        voice.approach(voice.present, now);
        if level < SILENCE {
            voice.sounding = now;
        }
        if voice.level > SPEECH {
            voice.spoke = now;
        }
        let voice = *voice;
        !voice.silent(now)
            && !self.active.contains(&Some(at))
            && self.active.iter().any(|active| self.beats(&voice, *active, now))
    }

    pub(super) fn remove(&mut self, track: u32) {
        let Some(at) = self.voices.iter().position(|voice| voice.track == track) else { return };
        let last = self.voices.len() - 1;
        self.voices.swap_remove(at);
        for place in &mut self.active {
            if *place == Some(at) {
                *place = None;
            } else if *place == Some(last) {
                *place = Some(at);
            }
        }
    }

    /// Chooses anew. True if somebody else is heard now.
    pub(super) fn choose(&mut self, now: Micros) -> bool {
        let before = self.active.map(|place| place.map(|at| self.voices[at].track));
        for voice in &mut self.voices {
            if now - voice.last > 60 * MILLISECOND {
                voice.approach(0.0, now);
            }
        }
        for place in &mut self.active {
            if place.is_some_and(|at| self.voices[at].silent(now)) {
                *place = None;
            }
        }
        while let Some((newcomer, place)) = self.promotion(now) {
            self.active[place] = Some(newcomer);
            self.voices[newcomer].since = now;
        }
        self.close_up();
        self.sort(now);
        before != self.active.map(|place| place.map(|at| self.voices[at].track))
    }

    /// Tracks that are heard, the loudest first.
    pub(super) fn active(&self) -> impl Iterator<Item = u32> + '_ {
        self.active.iter().flatten().map(|&at| self.voices[at].track)
    }

    /// Those who are speaking, the loudest first: `(track, −dBov)`.
    pub(super) fn speaking(&self, now: Micros, out: &mut Vec<(u32, u8)>) {
        out.clear();
        let voices = self.active.iter().flatten().map(|&at| self.voices[at]);
        out.extend(
            voices
                .filter(|voice| now - voice.spoke < HANGOVER)
                .map(|voice| (voice.track, SILENCE - voice.level.max(voice.present).clamp(0.0, 127.0) as u8)),
        );
        out.sort_unstable_by_key(|&(track, level)| (level, track));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.voices.is_empty()
    }

    /// The loudest who is not active, and whose place is due to it.
    fn promotion(&self, now: Micros) -> Option<(usize, usize)> {
        let (newcomer, voice) = self
            .voices
            .iter()
            .enumerate()
            .filter(|(at, voice)| !voice.silent(now) && !self.active.contains(&Some(*at)))
            .max_by(|(_, a), (_, b)| a.level.total_cmp(&b.level))?;
        let level = |place: usize| self.active[place].map_or(-1.0, |at| self.voices[at].level);
        let place = (0..ACTIVE)
            .filter(|&place| self.beats(voice, self.active[place], now))
            .min_by(|&a, &b| level(a).total_cmp(&level(b)))?;
        Some((newcomer, place))
    }

    fn beats(&self, voice: &Voice, active: Option<usize>, now: Micros) -> bool {
        let Some(at) = active else { return true };
        let other = &self.voices[at];
        voice.level > other.level + MARGIN && now - other.since >= HOLD
    }

    /// Free places come last.
    fn close_up(&mut self) {
        self.active.sort_by_key(Option::is_none);
    }

    /// Who is clearly louder moves up.
    fn sort(&mut self, now: Micros) {
        for place in (1..ACTIVE).rev() {
            let (Some(lower), Some(upper)) = (self.active[place], self.active[place - 1]) else { continue };
            if self.beats(&self.voices[lower], Some(upper), now) {
                self.active.swap(place, place - 1);
                self.voices[lower].since = now;
                self.voices[upper].since = now;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEECH_LEVEL: u8 = 30;
    const NOISE_LEVEL: u8 = 75;

    struct Room {
        speakers: Speakers,
        now: Micros,
    }

    impl Room {
        fn new() -> Self {
            Room { speakers: Speakers::default(), now: 0 }
        }

        /// Plays 20 ms packets with these levels; returns how often the choice changed.
        fn play(&mut self, milliseconds: i64, levels: &[(u32, u8)]) -> u32 {
            let mut changes = 0;
            for _ in 0..milliseconds / 20 {
                for &(track, level) in levels {
                    self.speakers.packet(track, level, self.now);
                }
                changes += u32::from(self.speakers.choose(self.now));
                self.now += 20 * MILLISECOND;
            }
            changes
        }

        fn heard(&self) -> Vec<u32> {
            let mut heard = self.speakers.active().take(HEARD).collect::<Vec<_>>();
            heard.sort_unstable();
            heard
        }
    }

    fn levels(speaking: &[u32], people: u32) -> Vec<(u32, u8)> {
        (1..=people)
            .map(|track| (track, if speaking.contains(&track) { SPEECH_LEVEL } else { NOISE_LEVEL }))
            .collect()
    }

    #[test]
    fn the_three_loudest_of_twenty_are_heard_within_half_a_second() {
        let mut room = Room::new();
        room.play(2_000, &levels(&[], 20));
        room.play(500, &levels(&[7, 13, 19], 20));
        assert_eq!(room.heard(), [7, 13, 19]);
    }

    #[test]
    fn equal_voices_do_not_take_turns() {
        let mut room = Room::new();
        room.play(1_000, &levels(&[1, 2, 3, 4, 5], 5));
        let mut random = fastrand::Rng::with_seed(3);
        let mut changes = 0;
        for _ in 0..1_000 {
            let levels = (1..=5).map(|track| (track, random.u8(25..35))).collect::<Vec<_>>();
            changes += room.play(20, &levels);
        }
        assert!(changes <= 1, "{changes} changes in 20 s");
    }

    #[test]
    fn who_has_spoken_stays_until_somebody_else_speaks() {
        let mut room = Room::new();
        room.play(1_000, &levels(&[4, 5, 6], 8));
        assert_eq!(room.play(10_000, &levels(&[], 8)), 0);
        assert_eq!(room.heard(), [4, 5, 6]);
        room.play(300, &levels(&[8], 8));
        assert!(room.speakers.active().any(|track| track == 8));
    }

    #[test]
    fn muted_and_stopped_microphones_free_their_places() {
        let mut room = Room::new();
        room.play(1_000, &[(1, SPEECH_LEVEL), (2, SPEECH_LEVEL)]);
        room.play(3_000, &[(2, SILENCE)]);
        assert!(room.heard().is_empty());
        room.play(40, &[(2, SPEECH_LEVEL)]);
        assert_eq!(room.heard(), [2]);
        room.speakers.remove(2);
        assert!(!room.speakers.choose(room.now) && room.heard().is_empty());
    }

    #[test]
    fn a_microphone_that_should_be_heard_says_so_at_its_first_packet() {
        let mut room = Room::new();
        assert!(room.speakers.packet(1, SPEECH_LEVEL, 0));
        room.speakers.choose(0);
        assert!(!room.speakers.packet(1, SPEECH_LEVEL, 20_000));
        assert!(!room.speakers.packet(2, SILENCE, 20_000), "muted");
    }

    #[test]
    fn speaking_ends_with_the_hangover() {
        let mut room = Room::new();
        let mut speaking = Vec::new();
        room.play(1_000, &[(1, SPEECH_LEVEL), (2, 40), (3, NOISE_LEVEL)]);
        room.speakers.speaking(room.now, &mut speaking);
        assert_eq!(speaking.iter().map(|speaker| speaker.0).collect::<Vec<_>>(), [1, 2]);
        room.play(1_500, &[(1, NOISE_LEVEL), (2, 40), (3, NOISE_LEVEL)]);
        room.speakers.speaking(room.now, &mut speaking);
        assert_eq!(speaking.iter().map(|speaker| speaker.0).collect::<Vec<_>>(), [2]);
    }
}
