//! Which slot carries whom. Pure: what is wanted and what is there go in, what shall be there comes out.
//!
//! Audio slot k and video slot k are synchronised by the browser, so a voice belongs on the slot whose
//! picture is its person's.

/// Voices that a subscriber shall hear, the most important first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Voice {
    pub(super) track: u32,
    /// The video slot that its person's picture is on.
    pub(super) picture_slot: Option<usize>,
}

/// Puts the voices onto audio slots. Who is there stays there.
pub(super) fn place_voices(slots: &mut [Option<u32>], voices: &[Voice]) {
    let voices = &voices[..voices.len().min(slots.len())];
    for slot in slots.iter_mut() {
        *slot = slot.filter(|track| voices.iter().any(|voice| voice.track == *track));
    }
    for by_picture in [true, false] {
        for voice in voices {
            if slots.contains(&Some(voice.track)) {
                continue;
            }
            let at_picture = voice.picture_slot.filter(|&slot| slots.get(slot) == Some(&None));
            let slot = if by_picture { at_picture } else { slots.iter().position(Option::is_none) };
            if let Some(slot) = slot {
                slots[slot] = Some(voice.track);
            }
        }
    }
}

/// A picture and the audio slot that its sound is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) slot: usize,
    pub(super) picture: u32,
    /// The sound has been there long enough for the picture to move to it.
    pub(super) settled: bool,
}

/// Puts the pictures (the most important first) onto video slots. Who is there stays there, except for
/// settled pairs, which change places with whoever is on their slot.
pub(super) fn place_pictures(
    slots: &mut [Option<u32>],
    pictures: &[u32],
    pairs: &[Pair],
    audio_slots: usize,
    fits: impl Fn(usize, u32) -> bool,
) {
    let pictures = &pictures[..pictures.len().min(slots.len())];
    for slot in slots.iter_mut() {
        *slot = slot.filter(|track| pictures.contains(track));
    }
    let missing = |slots: &[Option<u32>], picture: u32| !slots.contains(&Some(picture));
    for pair in pairs {
        let wanted = pictures.contains(&pair.picture) && missing(slots, pair.picture);
        if wanted && slots.get(pair.slot) == Some(&None) && fits(pair.slot, pair.picture) {
            slots[pair.slot] = Some(pair.picture);
        }
    }
    // The first slots are left for those who speak, unless there is room for everybody on them.
    let paired = if pictures.len() <= audio_slots { 0 } else { audio_slots.min(slots.len()) };
    for &picture in pictures {
        if missing(slots, picture) {
            let mut places = (paired..slots.len()).chain(0..paired);
            let free = places.find(|&slot| slots[slot].is_none() && fits(slot, picture));
            if let Some(slot) = free {
                slots[slot] = Some(picture);
            }
        }
    }
    for pair in pairs.iter().filter(|pair| pair.settled) {
        if pair.slot >= slots.len() {
            continue;
        }
        let Some(from) = slots.iter().position(|slot| *slot == Some(pair.picture)) else { continue };
        let fits_back = slots[pair.slot].is_none_or(|other| fits(from, other));
        if from != pair.slot && fits(pair.slot, pair.picture) && fits_back {
            slots.swap(from, pair.slot);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn voice(track: u32, picture_slot: Option<usize>) -> Voice {
        Voice { track, picture_slot }
    }

    fn pair(slot: usize, picture: u32, settled: bool) -> Pair {
        Pair { slot, picture, settled }
    }

    #[test]
    fn voices_go_where_their_pictures_are_and_stay() {
        let mut slots = [None; 3];
        place_voices(&mut slots, &[voice(1, None), voice(2, Some(0)), voice(3, Some(7))]);
        assert_eq!(slots, [Some(2), Some(1), Some(3)]);
        place_voices(&mut slots, &[voice(4, Some(0)), voice(3, Some(0)), voice(2, None)]);
        assert_eq!(slots, [Some(2), Some(4), Some(3)]);
        place_voices(&mut slots, &[]);
        assert_eq!(slots, [None; 3]);
    }

    #[test]
    fn the_most_important_voices_win_few_slots() {
        let mut slots = [Some(3)];
        place_voices(&mut slots, &[voice(1, None), voice(3, None)]);
        assert_eq!(slots, [Some(1)]);
    }

    #[test]
    fn pictures_stay_where_they_are() {
        let mut slots = [Some(1), None, Some(3), Some(4)];
        place_pictures(&mut slots, &[9, 4, 3, 1], &[], 0, |_, _| true);
        assert_eq!(slots, [Some(1), Some(9), Some(3), Some(4)]);
        place_pictures(&mut slots, &[4, 1], &[], 0, |_, _| true);
        assert_eq!(slots, [Some(1), None, None, Some(4)]);
    }

    #[test]
    fn silent_people_leave_the_speakers_slots_free() {
        let mut slots = [None; 5];
        place_pictures(&mut slots, &[1, 2, 3], &[pair(1, 3, false)], 2, |_, _| true);
        assert_eq!(slots, [None, Some(3), Some(1), Some(2), None]);
    }

    #[test]
    fn a_settled_speaker_changes_places() {
        let mut slots = [Some(1), Some(2), Some(3)];
        place_pictures(&mut slots, &[1, 2, 3], &[pair(0, 3, false)], 2, |_, _| true);
        assert_eq!(slots, [Some(1), Some(2), Some(3)]);
        place_pictures(&mut slots, &[1, 2, 3], &[pair(0, 3, true)], 2, |_, _| true);
        assert_eq!(slots, [Some(3), Some(2), Some(1)]);
    }

    #[test]
    fn a_slot_without_the_codec_is_passed_over() {
        let mut slots = [None; 2];
        place_pictures(&mut slots, &[1], &[pair(0, 1, true)], 0, |slot, _| slot == 1);
        assert_eq!(slots, [None, Some(1)]);
        place_pictures(&mut slots, &[1, 2], &[], 0, |_, picture| picture == 1);
        assert_eq!(slots, [None, Some(1)]);
    }
}
