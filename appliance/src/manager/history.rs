//! How the box was over time, in two rings of fixed size: minutes of a day, and means of quarters of an hour over
//! 30 days.

use super::{Manager, Now, Refused, allow};
use crate::access::sessions::Who;
use crate::monitor::Values;
use plenum_protocol::manager::{AdminRole, History, HistoryKind, HistoryRange, HistorySeries};
use plenum_store::{Category, Field, Retention, Stored};
use serde::{Deserialize, Serialize};
use std::time::Duration;

const MINUTE: u64 = 60;
const QUARTER: u64 = 15 * MINUTE;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const MONTH_DAYS: u64 = 30;
const MINUTES: u64 = DAY / MINUTE;
const QUARTERS: u64 = MONTH_DAYS * DAY / QUARTER;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Minute {
    /// Minutes since 1970.
    at: u64,
    /// In the order of [`HistoryKind::ALL`].
    values: Vec<Option<f32>>,
}

impl Stored for Minute {
    /// The place in the ring.
    type Key = u16;
    const TREE: &'static str = "history_minute";
    const CATEGORY: Category = Category::Operation;
    const PURPOSE: &'static str = "shows how busy the box was during the last day";
    const RETENTION: Retention = Retention::AfterChange(Duration::from_secs(DAY));
    const KEY: Field = Field::new("place", "place in a ring");
    const FIELDS: &'static [Field] = FIELDS;
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Quarter {
    /// Quarters of an hour since 1970.
    at: u64,
    /// Means of the minutes.
    values: Vec<Option<f32>>,
}

impl Stored for Quarter {
    type Key = u16;
    const TREE: &'static str = "history_quarter";
    const CATEGORY: Category = Category::Operation;
    const PURPOSE: &'static str = "shows how busy the box was during the last 30 days";
    const RETENTION: Retention = Retention::AfterChange(Duration::from_secs(MONTH_DAYS * DAY));
    const KEY: Field = Field::new("place", "place in a ring");
    const FIELDS: &'static [Field] = FIELDS;
}

const FIELDS: &[Field] = &[
    Field::new("at", "when it was"),
    Field::new("values", "load of processors, network, media server and disk; number of meetings and people"),
];

impl Manager {
    /// What the minute that ends now was like. The quarter of an hour gets the mean of what there is of it.
    pub fn keep_sample(&self, values: Values, now: Now) -> Result<(), Refused> {
        let seconds = now.unix_seconds();
        let (minute, quarter) = (seconds / MINUTE, seconds / QUARTER);
        let done = self.store.transaction(now.wall, move |tx| {
            let kept = Minute { at: minute, values: values.to_vec() };
            tx.put(&place(minute, MINUTES), &kept)?;
            let mut minutes = Vec::new();
            for at in quarter * (QUARTER / MINUTE)..=minute {
                let kept = tx.get::<Minute>(&place(at, MINUTES))?;
                minutes.extend(kept.filter(|it| it.at == at).map(|it| it.values));
            }
            let values = HistoryKind::ALL.iter().enumerate().map(|(kind, _)| mean(&minutes, kind)).collect();
            tx.put(&place(quarter, QUARTERS), &Quarter { at: quarter, values })?;
            Ok::<(), Refused>(())
        });
        done.wait()
    }

    pub fn history(&self, who: &Who, range: HistoryRange, now: Now) -> Result<History, Refused> {
        allow(who, &[AdminRole::Administrator], false)?;
        let seconds = now.unix_seconds();
        match range {
            HistoryRange::Day => {
                let kept = self.store.tree::<Minute>().iter();
                let kept = kept.map(|entry| entry.map(|it| (it.value.at, it.value.values)));
                Ok(line_up(kept.collect::<Result<_, _>>()?, seconds, MINUTE, MINUTE, MINUTES))
            }
            HistoryRange::Week => self.quarters(seconds, QUARTER, 7 * DAY / QUARTER),
            HistoryRange::Month => self.quarters(seconds, HOUR, MONTH_DAYS * DAY / HOUR),
        }
    }

    fn quarters(&self, seconds: u64, step: u64, count: u64) -> Result<History, Refused> {
        let kept = self.store.tree::<Quarter>().iter();
        let kept = kept.map(|entry| entry.map(|it| (it.value.at, it.value.values)));
        Ok(line_up(kept.collect::<Result<_, _>>()?, seconds, QUARTER, step, count))
    }
}

fn place(at: u64, size: u64) -> u16 {
    u16::try_from(at % size).expect("a ring has less than 65,536 places")
}

fn mean<'a>(records: impl IntoIterator<Item = &'a Vec<Option<f32>>>, kind: usize) -> Option<f32> {
    let known = records.into_iter().filter_map(|values| *values.get(kind)?);
    let (sum, count) = known.fold((0.0, 0), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / count as f32)
}

/// `count` values of `step` seconds each, the last one with this moment in it. `unit`: seconds of one record.
fn line_up(kept: Vec<(u64, Vec<Option<f32>>)>, now: u64, unit: u64, step: u64, count: u64) -> History {
    let first = now / step + 1 - count.min(now / step + 1);
    let mut slots: Vec<Vec<&Vec<Option<f32>>>> = vec![Vec::new(); count as usize];
    for (at, values) in &kept {
        // What the clock had said was later, before it was set, is not shown.
        let slot = (at * unit / step).checked_sub(first).and_then(|slot| slots.get_mut(slot as usize));
        if let Some(slot) = slot {
            slot.push(values);
        }
    }
    let series = HistoryKind::ALL.iter().enumerate().map(|(kind, name)| HistorySeries {
        kind: *name,
        values: slots.iter().map(|slot| mean(slot.iter().copied(), kind)).collect(),
    });
    History { begin: first * step, step: step as u32, series: series.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dm1_every_stored_field_is_declared() {
        let values = vec![Some(1.0), None];
        plenum_store::check_fields(&[Minute { at: 1, values: values.clone() }]).unwrap();
        plenum_store::check_fields(&[Quarter { at: 1, values }]).unwrap();
    }
}
