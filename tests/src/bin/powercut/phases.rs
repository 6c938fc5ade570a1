//! Where the power is cut: at random writes, in equal shares for each phase of an update.

use super::record::Marks;
use super::writes::{Kind, Writes};
use plenum_appliance::slots::disk;
use plenum_appliance::slots::gpt::Partition;
use serde::Serialize;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Phase {
    /// Into the staging folder, until the slot is written.
    Download,
    SlotWriting,
    /// The partition table.
    Relabelling,
    EspWriting,
    /// Nobody has asked for the restart yet.
    MinuteAfterReady,
    /// From the restart until the new version was reported to be good.
    FirstBoot,
    MinuteAfterGood,
}

pub(crate) const ALL: [Phase; 7] = [
    Phase::Download,
    Phase::SlotWriting,
    Phase::Relabelling,
    Phase::EspWriting,
    Phase::MinuteAfterReady,
    Phase::FirstBoot,
    Phase::MinuteAfterGood,
];

/// After how many writes the power is cut, and the phase that is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cut {
    pub(crate) writes: usize,
    pub(crate) phase: Phase,
}

/// In the order of the log.
pub(crate) fn choose(
    writes: &Writes,
    marks: &Marks,
    partitions: &[Partition],
    rounds: usize,
    random: &mut fastrand::Rng,
) -> Vec<Cut> {
    let found = phases(writes, marks, partitions);
    let mut cuts = Vec::new();
    for round in 0..rounds {
        let phase = ALL[round % ALL.len()];
        let candidates: Vec<usize> = (0..found.len()).filter(|at| found[*at] == Some(phase)).collect();
        if !candidates.is_empty() {
            // After the write: it is the last that the disk was given.
            cuts.push(Cut { writes: candidates[random.usize(..candidates.len())] + 1, phase });
        }
    }
    cuts.sort_by_key(|cut| cut.writes);
    cuts
}

/// The phase of each write.
fn phases(writes: &Writes, marks: &Marks, partitions: &[Partition]) -> Vec<Option<Phase>> {
    let place = |start: u64| {
        partitions
            .iter()
            .find(|one| (one.start..one.start + one.bytes).contains(&start))
            .map(|one| one.kind.as_str())
    };
    let mut slot_begun = false;
    let phase = |write: &super::writes::Write| {
        if write.end <= marks.asked {
            return None;
        }
        let place = place(write.start);
        let of_slot = matches!(place, Some(disk::ROOT | disk::VERITY));
        if write.end <= marks.ready {
            slot_begun |= of_slot;
            return match place {
                // A flush has no place: it is told by what comes before and after.
                _ if write.kind == Kind::Flush => None,
                None => Some(Phase::Relabelling),
                Some(ESP) => Some(Phase::EspWriting),
                Some(_) if of_slot => Some(Phase::SlotWriting),
                Some(_) if !slot_begun => Some(Phase::Download),
                Some(_) => None,
            };
        }
        Some(match write.end {
            end if end <= marks.restarted => Phase::MinuteAfterReady,
            end if end <= marks.good => Phase::FirstBoot,
            _ => Phase::MinuteAfterGood,
        })
    };
    writes.all.iter().map(phase).collect()
}

/// UEFI Specification 2.10, section 5.3.3.
const ESP: &str = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b";
