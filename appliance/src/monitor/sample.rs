//! What a minute was like, from counters at its beginning and at its end. Time is an argument.

use plenum_protocol::manager::HistoryKind;
use std::time::Duration;

/// Counters and states at one moment; `None` where nobody says.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Reading {
    /// Of all processors together.
    pub cpu_seconds: Option<f64>,
    pub processors: u32,
    pub bytes_in: Option<f64>,
    pub bytes_out: Option<f64>,
    pub packets_in: Option<f64>,
    pub packets_out: Option<f64>,
    /// Media packets that came and went, and those of them that had to be asked for again.
    pub media: Option<f64>,
    pub lost: Option<f64>,
    pub meetings: Option<f64>,
    pub people: Option<f64>,
    /// Percent.
    pub disk: Option<f64>,
}

/// In the order of [`HistoryKind::ALL`].
pub type Values = [Option<f32>; HistoryKind::ALL.len()];

pub(super) fn sample(before: &Reading, after: &Reading, elapsed: Duration) -> Values {
    let seconds = elapsed.as_secs_f64();
    let rate = |count: Option<f64>| count.filter(|_| seconds > 0.0).map(|count| count / seconds);
    let more = |of: fn(&Reading) -> Option<f64>| grown(of(before), of(after));
    let cpu = rate(more(|it| it.cpu_seconds)).map(|used| used * 100.0 / f64::from(after.processors.max(1)));
    let loss = more(|it| it.lost).zip(more(|it| it.media)).map(|(lost, media)| match media {
        0.0 => 0.0,
        media => lost * 100.0 / media,
    });
    let values = HistoryKind::ALL.map(|kind| match kind {
        HistoryKind::Cpu => cpu.map(|percent| percent.min(100.0)),
        HistoryKind::NetworkIn => rate(more(|it| it.bytes_in)).map(|bytes| bytes * 8.0),
        HistoryKind::NetworkOut => rate(more(|it| it.bytes_out)).map(|bytes| bytes * 8.0),
        HistoryKind::PacketsIn => rate(more(|it| it.packets_in)),
        HistoryKind::PacketsOut => rate(more(|it| it.packets_out)),
        HistoryKind::Meetings => after.meetings,
        HistoryKind::People => after.people,
        HistoryKind::Loss => loss.map(|percent| percent.min(100.0)),
        HistoryKind::Disk => after.disk,
    });
    values.map(|value| value.map(rounded))
}

/// `None` where a counter began anew meanwhile.
fn grown(before: Option<f64>, after: Option<f64>) -> Option<f64> {
    let more = after? - before?;
    (more >= 0.0).then_some(more)
}

/// Four digits say enough.
fn rounded(value: f64) -> f32 {
    if value == 0.0 || !value.is_finite() {
        return 0.0;
    }
    let unit = 10f64.powi(value.abs().log10().floor() as i32 - 3);
    ((value / unit).round() * unit) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(of: f64) -> Reading {
        Reading {
            cpu_seconds: Some(of),
            processors: 4,
            bytes_in: Some(of * 1_000.0),
            bytes_out: Some(of * 2_000.0),
            packets_in: Some(of),
            packets_out: Some(of * 10.0),
            media: Some(of * 100.0),
            lost: Some(of),
            meetings: Some(2.0),
            people: Some(9.0),
            disk: Some(41.23456),
        }
    }

    #[test]
    fn rates_and_states_of_a_minute() {
        let values = sample(&reading(30.0), &reading(150.0), Duration::from_secs(60));
        let wanted = [50.0, 16_000.0, 32_000.0, 2.0, 20.0, 2.0, 9.0, 1.0, 41.23];
        assert_eq!(values, wanted.map(Some));
    }

    #[test]
    fn what_began_anew_or_is_silent_is_not_known() {
        let minute = Duration::from_secs(60);
        let values = sample(&reading(150.0), &Reading { meetings: None, ..reading(30.0) }, minute);
        let known: Vec<bool> = values.iter().map(Option::is_some).collect();
        assert_eq!(known, [false, false, false, false, false, false, true, false, true]);
        assert_eq!(sample(&Reading::default(), &Reading::default(), minute), [None; 9]);
        // Nothing was sent, and so nothing was lost.
        let quiet = sample(&reading(1.0), &reading(1.0), minute);
        assert_eq!(quiet[7], Some(0.0));
        assert_eq!(sample(&reading(1.0), &reading(2.0), Duration::ZERO)[0], None);
    }

    #[test]
    fn four_digits() {
        for (value, kept) in [(123_456.0, 123_500.0), (0.012_345, 0.012_35), (0.0, 0.0), (f64::NAN, 0.0)] {
            assert_eq!(rounded(value), kept);
        }
    }
}
